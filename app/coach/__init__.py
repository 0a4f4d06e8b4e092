"""The coach's mind: a question and a scope in, a grounded answer out. The model-free composer that ships is the default voice."""

from __future__ import annotations

from datetime import timedelta

from app.coach.coach import warm_up
from app.coach.health import coach_probes
from app.coach.spending import expire_next_reservation, measure_spending, remove_old_spending
from app.kit.jobs import Job
from app.kit.privacy import PersonalData
from app.kit.room import Room

ROOM = Room(
    name="coach",
    jobs=(
        Job("expire_reservations", expire_next_reservation, timedelta(seconds=15)),
        Job("remove_old_spending", remove_old_spending, timedelta(hours=1)),
    ),
    personal_data=(
        PersonalData(
            "spending",
            "payer_id",
            "Tokens and money of the chat models that a learner used today, as a number",
            "nobody; the service itself",
        ),
        PersonalData(
            "model_call",
            "user_id",
            "For whom a chat model is being called, until the call is over",
            "nobody; the service itself",
        ),
    ),
    probes=coach_probes,
    start=warm_up,
    gauges=(measure_spending,),
)
