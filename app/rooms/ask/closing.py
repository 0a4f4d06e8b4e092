"""The coach is closed to a person while their unaided re-check is open: a condition of routes that show what it said."""

from __future__ import annotations

from fastapi import Depends, Request

from app.course.access import AnyVisitor
from app.evidence.under_way import refuse_in_recheck


def _refuse(request: Request, visitor: AnyVisitor) -> None:
    # Not the request's own unit of work: that of a route which streams or asks a model must not hold the database meanwhile.
    with request.app.state.database.read() as session:
        refuse_in_recheck(session, visitor)


COACH_IS_OPEN = Depends(_refuse)
