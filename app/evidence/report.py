"""Scores for the operator: what waits, what was refused and why, and sending again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.models import LineItem
from app.course.services import Services
from app.evidence.delivery import send_again
from app.evidence.gradebook import why_no_column
from app.evidence.ledger import confirmation_of
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WAITING, WITHHELD, Evidence, ScoreRow

UNSENT = "unsent"
STATES = (WAITING, DELIVERED, SUPERSEDED, WITHHELD, DEAD, UNSENT)


def list_scores(services: Services, state: str | None = None) -> list[dict[str, Any]]:
    """Scores, the oldest first; ids and states only, no names. Then, as "unsent", the decisions that no gradebook takes."""
    query = select(ScoreRow).order_by(ScoreRow.id)
    if state is not None:
        query = query.where(ScoreRow.state == state)
    with services.database.read() as session:
        rows = [
            {
                "id": row.id,
                "state": row.state,
                "points": row.points,
                "maximum": row.points_maximum,
                "version": row.version,
                "delivered_version": row.delivered_version,
                "tries": row.tries,
                "next_try_at": row.next_try_at.isoformat(),
                "reason": row.reason,
            }
            for row in session.scalars(query)
        ]
        return rows if state not in {None, UNSENT} else rows + _unsent(session)


def _unsent(session: Session) -> list[dict[str, Any]]:
    """Decisions on evidence whose activity has no gradebook column, with the reason; the id is the evidence's."""
    has_column = (
        select(LineItem.id)
        .where(LineItem.resource_link_id == Evidence.resource_link_id, LineItem.tag == Evidence.kind)
        .exists()
    )
    entries = []
    for evidence in session.scalars(
        select(Evidence)
        .where(
            Evidence.state == "decided",
            Evidence.superseded_by.is_(None),
            Evidence.assisted,  # a re-check is no grade
            ~has_column,
        )
        .order_by(Evidence.id)
    ):
        confirmation = confirmation_of(session, evidence.id)
        if confirmation is not None:
            entries.append(
                {
                    "id": evidence.id,
                    "state": UNSENT,
                    "points": confirmation.points,
                    "maximum": confirmation.points_maximum,
                    "version": 0,
                    "delivered_version": 0,
                    "tries": 0,
                    "next_try_at": None,
                    "reason": why_no_column(session, evidence.resource_link_id),
                }
            )
    return entries


def retry_scores(services: Services, score_id: str | None = None) -> int:
    """Puts one score, or every refused one, back in line; returns how many."""
    with services.database.write() as session:
        if score_id is not None:
            return int(send_again(session, score_id, actor_id=None))
        ids = session.scalars(select(ScoreRow.id).where(ScoreRow.state == DEAD)).all()
        return sum(send_again(session, each, actor_id=None) for each in ids)
