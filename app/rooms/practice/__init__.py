"""Practice: real tasks with a checklist, formative feedback, a retry, and a hand-in."""

from __future__ import annotations

from app.course.access import EVERYONE
from app.kit.errors import N_
from app.kit.room import NavigationItem, Room
from app.rooms.practice.routes import router

ROOM = Room(
    name="practice",
    router=router,
    navigation=(NavigationItem("/practice", N_("Practise"), EVERYONE),),
)
