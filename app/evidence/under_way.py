"""What a person has under way: graded practice that the coach must not simply answer, and a re-check that closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import PracticeTask
from app.course.models import LineItem
from app.course.tasks import task_title
from app.evidence.ledger import PRACTICE
from app.evidence.models import Attempt, Evidence, Recheck
from app.evidence.rechecks import OPEN
from app.kit.clock import now
from app.kit.errors import N_, WorksideError

# A task that nobody has touched for so long was given up: help is not held back for it for ever.
GIVEN_UP_AFTER = timedelta(days=14)


@dataclass(frozen=True)
class PracticeUnderWay:
    """A task and the places that its author names as its sources: (file name, heading), with "" for the whole document."""

    task_key: str
    title: str
    sources: frozenset[tuple[str, str]]

    def is_about(self, filename: str, heading: str) -> bool:
        """Whether the task's sources name this section of this document."""
        return (filename, "") in self.sources or (filename, heading.strip().casefold()) in self.sources


def practice_under_way(session: Session, visitor: Visitor) -> list[PracticeUnderWay]:
    """The visitor's graded tasks in this course whose last attempt is not handed in.

    An attempt is begun when its first answer was checked: that is what the ledger knows of. A task is graded where its
    activity has a gradebook column for practice. What was handed in last waits for a person and is not under way; a further
    attempt after it is, until it is handed in too.
    """
    if visitor.is_anonymous or not visitor.is_gradable:
        return []
    rows = session.execute(
        select(Attempt, PracticeTask, Evidence.id)
        .join(PracticeTask, PracticeTask.id == Attempt.task_id)
        .join(
            LineItem,
            (LineItem.resource_link_id == Attempt.resource_link_id) & (LineItem.tag == PRACTICE),
        )
        .outerjoin(Evidence, Evidence.attempt_id == Attempt.id)
        .where(
            Attempt.user_id == visitor.user_id,
            Attempt.context_id == visitor.context_id,
            Attempt.recheck_id.is_(None),
            Attempt.created_at > now() - GIVEN_UP_AFTER,
        )
        .order_by(Attempt.number, Attempt.id)
    )
    last = {
        (attempt.resource_link_id, attempt.task_key): (task, handed_in) for attempt, task, handed_in in rows
    }
    return [
        PracticeUnderWay(task.key, task_title(task, visitor.locale), _sources_of(task))
        for task, handed_in in last.values()
        if handed_in is None
    ]


@dataclass(frozen=True)
class RecheckUnderWay:
    """The unaided re-check that a person has open: until it is handed in or ended, the coach answers them nothing in this course."""

    recheck_id: str
    title: str


def recheck_under_way(session: Session, visitor: Visitor) -> RecheckUnderWay | None:
    """The visitor's open re-check in this course, whichever activity it was opened in."""
    if visitor.is_anonymous:
        return None
    found = session.execute(
        select(Recheck.id, PracticeTask)
        .join(PracticeTask, PracticeTask.id == Recheck.task_id)
        .where(
            Recheck.user_id == visitor.user_id,
            Recheck.context_id == visitor.context_id,
            Recheck.state == OPEN,
        )
        .limit(1)
    ).one_or_none()
    return RecheckUnderWay(found[0], task_title(found[1], visitor.locale)) if found else None


class CoachClosed(WorksideError):
    """Help during a re-check: what is answered then would no longer be the person's own."""

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


def _sources_of(task: PracticeTask) -> frozenset[tuple[str, str]]:
    return frozenset(
        (str(source["document"]), str(source.get("heading", "")).strip().casefold())
        for source in task.definition.get("sources", ())
    )
