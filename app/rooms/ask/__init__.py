"""Ask: help at the moment of need, from the course's own content, with exact citations."""

from __future__ import annotations

from app.course.access import EVERYONE
from app.kit.errors import N_
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, Room
from app.rooms.ask.routes import router

ROOM = Room(
    name="ask",
    router=router,
    navigation=(NavigationItem("/", N_("Ask"), EVERYONE),),
    personal_data=(
        PersonalData("conversation", "user_id", "Conversations with the coach", "only the person"),
        PersonalData("turn", "conversation_id", "Questions and the answers to them", "only the person"),
    ),
)
