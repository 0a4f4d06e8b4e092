"""Tries: how often a learner may answer before the worked answers are shown, ending before that, and one's own view of an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import PracticeTask
from app.course.tasks import tries_of
from app.evidence.models import Attempt, Evidence, PracticeEnd, SelfAssessment
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


class AlreadyHandedIn(WorksideError):
    """Somebody's own view of an answer that a reviewer has before them already."""

    status = 409
    title = N_("You have handed this in")
    advice = N_(
        "Your own view stays as it was when you handed in. If a line is wrong, tell your instructor beside that line."
    )


@dataclass(frozen=True)
class Practising:
    """How far a person is with a task in a course: tries used, of how many, and whether they have ended it themselves.

    Several activities of a course may show one task, and its worked answers are seen once: tries count over all of them.
    `used_here` are those in this activity. `is_limited` is False for somebody whose work goes nowhere, such as an instructor
    who tries the task out.
    """

    used: int
    used_here: int
    tries: int
    has_ended: bool
    is_limited: bool

    @property
    def shows_worked(self) -> bool:
        """Whether the author's steps and the strong answer may be shown."""
        return self.has_ended or self.used >= self.tries

    @property
    def is_over(self) -> bool:
        """Whether no further answer is taken, since somebody who hands in has the worked answers before them."""
        return self.is_late and self.used_here > 0

    @property
    def is_late(self) -> bool:
        """Whether an answer would come after the worked ones. Where the person has none in this activity yet one is taken all the
        same, since its column would stay empty for ever; who reviews it is told."""
        return self.is_limited and self.shows_worked

    @property
    def left(self) -> int:
        return 0 if self.shows_worked else self.tries - self.used


def practising_of(session: Session, visitor: Visitor, task: PracticeTask) -> Practising:
    """How far the visitor is with this task. Tries count over all of its versions: the worked answers were seen once."""
    counts = session.execute(
        select(Attempt.resource_link_id, func.count())
        .where(
            Attempt.user_id == visitor.user_id,
            Attempt.context_id == visitor.context_id,
            Attempt.task_key == task.key,
            Attempt.recheck_id.is_(None),
        )
        .group_by(Attempt.resource_link_id)
    )
    used = {row[0]: int(row[1]) for row in counts}
    return Practising(
        sum(used.values()),
        used.get(visitor.resource_link_id, 0),
        tries_of(task.definition),
        _end_of(session, visitor, task.key) is not None,
        visitor.is_gradable,
    )


def _end_of(session: Session, visitor: Visitor, task_key: str) -> PracticeEnd | None:
    return session.scalars(
        select(PracticeEnd).where(
            PracticeEnd.user_id == visitor.user_id,
            PracticeEnd.context_id == visitor.context_id,
            PracticeEnd.task_key == task_key,
        )
    ).one_or_none()


def end_practising(session: Session, visitor: Visitor, task: PracticeTask) -> PracticeEnd:
    """Notes that the person wants to see the worked answers. Asked twice is asked once; NothingTried before the first try."""
    hold_person(session, visitor.user_id)
    known = _end_of(session, visitor, task.key)
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
    """Keeps what a person thinks of their own attempt. The same view once more is the one that stands there.

    AlreadyHandedIn where another view would come after the answer was handed in: reviewers see the one that went with it.
    """
    hold_person(session, visitor.user_id)
    last = self_assessment_of(session, attempt.id)
    if last is not None and last.criteria == dict(criteria):
        return last
    if session.scalars(select(Evidence.id).where(Evidence.attempt_id == attempt.id)).first() is not None:
        raise AlreadyHandedIn
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
