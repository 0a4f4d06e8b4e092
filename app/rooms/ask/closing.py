"""The coach is closed to a person while their unaided re-check is open: a condition of routes that show what it said."""

from __future__ import annotations

from fastapi import Depends

from app.course.access import AnyVisitor
from app.evidence.under_way import refuse_in_recheck
from app.kit.db import Db


def _refuse(visitor: AnyVisitor, session: Db) -> None:
    refuse_in_recheck(session, visitor)


COACH_IS_OPEN = Depends(_refuse)
