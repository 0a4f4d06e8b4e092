"""Ask: help at the moment of need, from the course's own content, with exact citations."""

from __future__ import annotations

from datetime import timedelta

from app.coach.starters import check_next, free_checks
from app.course.access import EVERYONE
from app.kit.errors import N_
from app.kit.jobs import Job
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, PlacementKind, Room
from app.rooms.ask.jobs import ask_probes, measure_answers, watch_answers
from app.rooms.ask.live import close_answers
from app.rooms.ask.placing import coach_options, coach_preview, first_page
from app.rooms.ask.planning import plan_seeds
from app.rooms.ask.routes import router

ROOM = Room(
    name="ask",
    router=router,
    navigation=(NavigationItem("/", N_("Ask"), EVERYONE),),
    jobs=(
        Job("check_starters", check_next, timedelta(seconds=5), free_checks),
        Job("watch_answers", watch_answers, timedelta(seconds=30)),
    ),
    plan_seeds=plan_seeds,
    probes=ask_probes,
    gauges=(measure_answers,),
    close=close_answers,
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
        PersonalData(
            "mode_choice", "user_id", "Whether they want answers at once or hints first", "only the person"
        ),
        PersonalData(
            "own_prompt", "user_id", "Ready questions that they keep for themselves", "only the person"
        ),
    ),
)
