"""Whether chat models answer, by the calls that were made: no call is made to find out, since that would cost."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.coach.models import ModelCall
from app.coach.spending import WELL
from app.course.services import Services
from app.kit.clock import now
from app.kit.health import Probe

RECENT = timedelta(minutes=15)
IN_A_ROW = 3
# A call under way, and a model that declines a question: it is there.
SAYS_NOTHING = ("", "refused")


def models_out(services: Services) -> str | None:
    """What is wrong where the newest calls of the last minutes all failed; None where one brought an answer or few were made.

    A chain whose first model is out and whose second one answers is well here: its failures stand on the operator's page.
    """
    with services.database.read() as session:
        outcomes = session.scalars(
            select(ModelCall.outcome)
            .where(ModelCall.reserved_at > now() - RECENT, ModelCall.outcome.not_in(SAYS_NOTHING))
            .order_by(ModelCall.reserved_at.desc(), ModelCall.id.desc())
            .limit(IN_A_ROW)
        ).all()
    if len(outcomes) < IN_A_ROW or any(outcome in WELL for outcome in outcomes):
        return None
    return f"the last {IN_A_ROW} calls of chat models failed ({outcomes[0]}); answers are quoted from the documents meanwhile"


def coach_probes(services: Services) -> tuple[Probe, ...]:
    """A model that is out degrades the answers and makes nothing unready."""
    return (Probe("models", lambda: models_out(services), needed=False),)
