"""The shared nouns (organisation, registration, context, user, skill, task ...) and the doors to them."""

from __future__ import annotations

from datetime import timedelta

from app.course.departures import remove_ended_visits
from app.course.keys import tend_keys
from app.course.notices import free_notices, register_next_handlers, work_next_notice
from app.course.roster import free_rosters, read_next_roster
from app.course.routes import router
from app.kit.jobs import Job
from app.kit.privacy import PersonalData
from app.kit.room import Room

ROOM = Room(
    name="course",
    router=router,
    jobs=(
        Job("tend_keys", tend_keys, timedelta(hours=1)),
        Job("remove_ended_visits", remove_ended_visits, timedelta(minutes=1)),
        Job("read_rosters", read_next_roster, timedelta(seconds=10), free_rosters),
        Job("work_notices", work_next_notice, timedelta(seconds=2), free_notices),
        Job("register_handlers", register_next_handlers, timedelta(seconds=10), free_notices),
    ),
    public={"/start/{code}": "Opens a visit: the code itself is the proof, works once and for 60 seconds."},
    personal_data=(
        PersonalData(
            "user_account",
            "id",
            "Platform's id, name as the platform sent it, language",
            "the person; reviewers of their courses",
        ),
        PersonalData("membership", "user_id", "Courses and role in each", "reviewers of the course"),
        PersonalData("visit", "user_id", "Launches of the last days", "nobody; the service itself"),
        PersonalData(
            "launch_ticket", "data", "Claims of a launch under way, 60 seconds", "nobody; the service itself"
        ),
        PersonalData(
            "placement",
            "created_by",
            "Which activities an instructor put into a course",
            "nobody; the operator",
        ),
        PersonalData(
            "audit_event", "actor_id", "Who changed which record when, without its words", "the operator"
        ),
    ),
)
