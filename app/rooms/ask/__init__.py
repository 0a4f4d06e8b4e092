"""Ask: help at the moment of need, from the course's own content, with exact citations."""

from __future__ import annotations

from app.course.access import EVERYONE
from app.kit.errors import N_
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, PlacementKind, Room
from app.rooms.ask.placing import coach_options, coach_preview, first_page
from app.rooms.ask.routes import router

ROOM = Room(
    name="ask",
    router=router,
    navigation=(NavigationItem("/", N_("Ask"), EVERYONE),),
    placements=(
        PlacementKind(
            key="coach",
            label=N_("Coach"),
            description=N_(
                "Learners ask while they work. Answers come only from the documents you choose, each with its exact place."
            ),
            options=coach_options,
            preview=coach_preview,
            preview_template="ask/preview.html",
            first_page=first_page,
            is_combined=True,
        ),
    ),
    personal_data=(
        PersonalData("conversation", "user_id", "Conversations with the coach", "only the person"),
        PersonalData("turn", "conversation_id", "Questions and the answers to them", "only the person"),
    ),
)
