"""Tries: how often a learner may answer before the worked answers are shown, ending before that, and one's own view of an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import PracticeTask
from app.course.tasks import tries_of
from app.evidence.models import Attempt, PracticeEnd, SelfAssessment
from app.evidence.people import hold_person
from app.evidence.rechecks import schedule_recheck
from app.kit.audit import record_event
from app.kit.errors import N_, WorksideError


class NothingTried(WorksideError):
    """Somebody asks for the worked answers before any answer of their own."""

    status = 409
    title = N_("Try it once first")
    advice = N_(
        "Write an answer of your own and check it. Then you may see the worked answers whenever you like."
    )


class PractisingOver(WorksideError):
    """The worked answers are open, so a further answer would say what the author says."""

    status = 409
    title = N_("Practising this task is over")
    advice = N_(
        "You have seen the worked answers, so no further answer is taken. You can still hand in one of those that you wrote before."
    )


@dataclass(frozen=True)
class Practising:
    """How far a person is with a task in an activity: tries used, of how many, and whether they have ended it themselves.

    `is_limited` is False for somebody whose work goes nowhere, such as an instructor who tries the task out.
    """

    used: int
    tries: int
    has_ended: bool
    is_limited: bool

    @property
    def shows_worked(self) -> bool:
        """Whether the author's steps and the strong answer may be shown."""
        return self.has_ended or self.used >= self.tries

    @property
    def is_over(self) -> bool:
        """Whether no further answer is taken: exactly where somebody who hands in has the worked answers before them."""
        return self.is_limited and self.shows_worked

    @property
    def left(self) -> int:
        return 0 if self.shows_worked else self.tries - self.used


def practising_of(session: Session, visitor: Visitor, task: PracticeTask) -> Practising:
    """How far the visitor is with this task here. Tries count over all of its versions: the worked answers were seen once."""
    here = (visitor.user_id, visitor.resource_link_id, task.key)
    used = session.scalar(
        select(func.count())
        .select_from(Attempt)
        .where(
            Attempt.user_id == here[0],
            Attempt.resource_link_id == here[1],
            Attempt.task_key == here[2],
            Attempt.recheck_id.is_(None),
        )
    )
    return Practising(
        used or 0, tries_of(task.definition), _end_of(session, *here) is not None, visitor.is_gradable
    )


def _end_of(session: Session, user_id: str, resource_link_id: str, task_key: str) -> PracticeEnd | None:
    return session.scalars(
        select(PracticeEnd).where(
            PracticeEnd.user_id == user_id,
            PracticeEnd.resource_link_id == resource_link_id,
            PracticeEnd.task_key == task_key,
        )
    ).one_or_none()


def end_practising(session: Session, visitor: Visitor, task: PracticeTask) -> PracticeEnd:
    """Notes that the person wants to see the worked answers. Asked twice is asked once; NothingTried before the first try."""
    hold_person(session, visitor.user_id)
    known = _end_of(session, visitor.user_id, visitor.resource_link_id, task.key)
    if known is not None:
        return known
    if practising_of(session, visitor, task).used == 0:
        raise NothingTried
    row = PracticeEnd(
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
        task_id=task.id,
        task_key=task.key,
    )
    session.add(row)
    session.flush()
    record_event(
        session,
        "practice.ended",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="practice_end",
        subject_id=row.id,
    )
    schedule_recheck(session, visitor, task)
    return row


def record_self_assessment(
    session: Session, visitor: Visitor, attempt: Attempt, criteria: Mapping[str, bool]
) -> SelfAssessment:
    """Keeps what a person thinks of their own attempt. The same view once more is the one that stands there."""
    hold_person(session, visitor.user_id)
    last = self_assessment_of(session, attempt.id)
    if last is not None and last.criteria == dict(criteria):
        return last
    row = SelfAssessment(
        attempt_id=attempt.id,
        user_id=visitor.user_id,
        number=last.number + 1 if last else 1,
        criteria=dict(criteria),
    )
    session.add(row)
    session.flush()
    record_event(
        session,
        "attempt.assessed",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="attempt",
        subject_id=attempt.id,
        number=row.number,
    )
    return row


def self_assessment_of(session: Session, attempt_id: str) -> SelfAssessment | None:
    """The person's latest view of an attempt. The caller has looked at who asks."""
    return session.scalars(
        select(SelfAssessment)
        .where(SelfAssessment.attempt_id == attempt_id)
        .order_by(SelfAssessment.number.desc())
        .limit(1)
    ).first()


def ticked(criteria: Sequence[str], ticks: Collection[str]) -> dict[str, bool]:
    """A tick or none for each criterion; ticks on others are nothing."""
    return {criterion: criterion in ticks for criterion in criteria}
