"""Scores for the operator: what waits, what was refused and why, and sending again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.course.services import Services
from app.evidence.delivery import send_again
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WAITING, WITHHELD, ScoreRow

STATES = (WAITING, DELIVERED, SUPERSEDED, WITHHELD, DEAD)


def list_scores(services: Services, state: str | None = None) -> list[dict[str, Any]]:
    """Scores, the oldest first; ids and states only, no names."""
    query = select(ScoreRow).order_by(ScoreRow.id)
    if state is not None:
        query = query.where(ScoreRow.state == state)
    with services.database.read() as session:
        return [
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


def retry_scores(services: Services, score_id: str | None = None) -> int:
    """Puts one score, or every refused one, back in line; returns how many."""
    with services.database.write() as session:
        if score_id is not None:
            return int(send_again(session, score_id, actor_id=None))
        ids = session.scalars(select(ScoreRow.id).where(ScoreRow.state == DEAD)).all()
        return sum(send_again(session, each, actor_id=None) for each in ids)
