"""Studio: how the coach of an activity helps, decided by those who teach there."""

from __future__ import annotations

from app.course.access import PLACERS, REVIEWERS
from app.kit.errors import N_
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, Room
from app.rooms.studio.routes import router

ROOM = Room(
    name="studio",
    router=router,
    navigation=(NavigationItem("/studio", N_("Coach settings"), PLACERS | REVIEWERS),),
    personal_data=(
        PersonalData(
            "coach_settings",
            "changed_by",
            "Which instructor last changed how a coach helps, and when",
            "those who teach the course",
        ),
    ),
)
