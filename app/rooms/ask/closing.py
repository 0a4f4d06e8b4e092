"""The coach is closed to a person while their unaided re-check is open."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.evidence.under_way import recheck_under_way
from app.kit.errors import N_, WorksideError


class CoachClosed(WorksideError):
    """A question during a re-check: its answer would no longer be the person's own."""

    status = 409
    title = N_("The coach is closed for your re-check")
    advice = N_(
        "You have a re-check open in this course, and it is done without help. Hand it in, or end it without an answer: you find both "
        "on its page, under Practise. Then ask again."
    )


def refuse_in_recheck(session: Session, visitor: Visitor) -> None:
    """Raises CoachClosed while the visitor has a re-check open in this course."""
    if recheck_under_way(session, visitor) is not None:
        raise CoachClosed
