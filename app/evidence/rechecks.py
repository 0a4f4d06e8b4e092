"""Unaided re-checks: a short variant of a task, days after practising it, with the coach closed.

Rows with due times, nothing in memory.

Only what comes of these may count as evidence of a skill from practice (product.md: an assisted score is never shown as skill).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import PracticeTask
from app.evidence.models import Recheck
from app.evidence.people import hold_person
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, NotFound, WorksideError

WAITING = "waiting"
OPEN = "open"
DONE = "done"
DEFAULT_DAYS = 7


class RecheckNotDue(WorksideError):
    """It is opened before its time."""

    status = 409
    title = N_("This re-check is not due yet")
    advice = N_("It shows what stays after some days. Its page says when it opens.")


class RecheckClosed(WorksideError):
    """An answer for a re-check that is not open: it was handed in, or ended in another tab."""

    status = 409
    title = N_("This re-check is not open")
    advice = N_("It was handed in or ended, perhaps in another tab. Its page says how it stands.")


class OtherRecheckOpen(WorksideError):
    """Two at once."""

    status = 409
    title = N_("Another re-check is open")
    advice = N_("Hand that one in, or end it. Then open this one.")


def days_until(task: PracticeTask) -> int | None:
    """After how many days the task's re-check is due; None for a task that has none."""
    recheck = task.definition.get("recheck")
    return int(recheck.get("after_days", DEFAULT_DAYS)) if recheck else None


def schedule_recheck(session: Session, visitor: Visitor, task: PracticeTask) -> Recheck | None:
    """Makes the task's re-check due some days from now, for somebody whose work counts. Practising goes on: it moves along.

    None where the task has no re-check. One that is open or done stays as it is. The caller holds the person's row.
    """
    days = days_until(task)
    if days is None or not visitor.is_gradable:
        return None
    due_at = now() + timedelta(days=days)
    row = recheck_of(session, visitor, task.key)
    if row is not None:
        if row.state == WAITING:
            row.due_at = max(row.due_at, due_at)
            row.task_id = task.id
            _record(session, visitor, "recheck.moved", row)
        return row
    row = Recheck(
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
        task_id=task.id,
        task_key=task.key,
        due_at=due_at,
    )
    session.add(row)
    session.flush()
    _record(session, visitor, "recheck.scheduled", row)
    return row


def recheck_of(session: Session, visitor: Visitor, task_key: str) -> Recheck | None:
    """The visitor's re-check of a task in this course."""
    return session.scalars(
        select(Recheck).where(
            Recheck.user_id == visitor.user_id,
            Recheck.context_id == visitor.context_id,
            Recheck.task_key == task_key,
        )
    ).one_or_none()


def rechecks_of(session: Session, visitor: Visitor) -> list[Recheck]:
    """The visitor's re-checks in this course, in the order of their due times."""
    return list(
        session.scalars(
            select(Recheck)
            .where(
                Recheck.user_id == visitor.user_id,
                Recheck.context_id == visitor.context_id,
            )
            .order_by(Recheck.due_at, Recheck.id)
        )
    )


def access_recheck(
    session: Session, visitor: Visitor, recheck_id: str, *, for_update: bool = False
) -> Recheck:
    """The visitor's own re-check in this course."""
    row = session.get(Recheck, recheck_id, with_for_update={"key_share": True} if for_update else None)
    if row is None or row.user_id != visitor.user_id or row.context_id != visitor.context_id:
        raise NotFound
    return row


def open_recheck(session: Session, visitor: Visitor, row: Recheck) -> None:
    """Opens one that is due; the coach is closed to the person in this course from now on. Opening what is open changes nothing."""
    if row.state == OPEN:
        return
    if row.state == DONE:
        raise RecheckClosed
    if row.due_at > now():
        raise RecheckNotDue
    hold_person(session, row.user_id)
    others = select(Recheck.id).where(
        Recheck.user_id == row.user_id, Recheck.context_id == row.context_id, Recheck.state == OPEN
    )
    if session.scalars(others.limit(1)).first() is not None:
        raise OtherRecheckOpen
    row.state, row.opened_at = OPEN, now()
    row.openings += 1
    _record(session, visitor, "recheck.opened", row)


def put_off_recheck(session: Session, visitor: Visitor, row: Recheck, task: PracticeTask) -> None:
    """Ends one that is open without an answer. It is due again after as many days as the first time: nobody is trapped in it."""
    if row.state != OPEN:
        return
    row.state, row.opened_at = WAITING, None
    row.due_at = now() + timedelta(days=days_until(task) or DEFAULT_DAYS)
    _record(session, visitor, "recheck.put_off", row)


def finish_recheck(session: Session, visitor: Visitor, row: Recheck) -> None:
    """Notes that the one answer was handed in. RecheckClosed where it is not open."""
    if row.state != OPEN:
        raise RecheckClosed
    row.state, row.done_at = DONE, now()
    _record(session, visitor, "recheck.done", row)


def _record(session: Session, visitor: Visitor, action: str, row: Recheck) -> None:
    record_event(
        session,
        action,
        organisation_id=row.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="recheck",
        subject_id=row.id,
        openings=row.openings,
    )
