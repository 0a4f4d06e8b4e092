"""Plan: when this happens, I will do that; rehearsed, in the calendar, and asked about a week, 30 and 90 days later."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from app.course.access import EVERYONE
from app.kit.errors import N_
from app.kit.jobs import Job
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, PlacementKind, Room
from app.rooms.plan import following, routes
from app.rooms.plan.placing import first_page, plan_options, plan_preview
from app.rooms.plan.reminders import free_check_ins, remind_next
from app.rooms.plan.views import due_for_plans

router = APIRouter()
for part in (routes, following):
    router.include_router(part.router)

_SHARED = N_(
    "only the person; the reviewers of the course where the person shares a plan, without the sentences said at check-ins"
)

ROOM = Room(
    name="plan",
    router=router,
    navigation=(NavigationItem("/plan", N_("Plan"), EVERYONE),),
    jobs=(Job("remind_of_plans", remind_next, timedelta(seconds=30), free_check_ins),),
    placements=(
        PlacementKind(
            key="plan",
            label=N_("Action plan"),
            description=N_(
                "Learners plan one thing to do at work on a real day, rehearse it, and say later whether it happened."
            ),
            options=plan_options,
            preview=plan_preview,
            preview_template="plan/preview.html",
            first_page=first_page,
            is_combined=True,
        ),
    ),
    personal_data=(
        PersonalData("action_plan", "user_id", N_("Plans of what to do at work"), _SHARED),
        PersonalData("plan_version", "plan_id", N_("What each plan says, and said before"), _SHARED),
        PersonalData("check_in", "plan_id", N_("The days on which a plan is asked about"), _SHARED),
        PersonalData(
            "check_in_answer",
            "check_in_id",
            N_("What the person said at a check-in"),
            _SHARED,
        ),
        PersonalData("plan_rehearsal", "plan_id", N_("Rehearsals of a plan"), N_("only the person")),
        PersonalData(
            "rehearsal_turn", "rehearsal_id", N_("What was said in a rehearsal"), N_("only the person")
        ),
        PersonalData(
            "plan_reminder",
            "plan_id",
            N_("The e-mail address for reminders of a plan, encrypted, until the person ends them"),
            N_("nobody; the service itself"),
        ),
        PersonalData(
            "application_claim",
            "user_id",
            N_("What the person says that they did at work, as begun at a check-in"),
            N_("only the person"),
        ),
    ),
    due=due_for_plans,
)
