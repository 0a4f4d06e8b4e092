"""Writing the ledger: each function adds facts to the caller's transaction, so that evidence, decision and score stand together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import PracticeTask
from app.course.models import LineItem
from app.course.tasks import is_complete_when_submitted
from app.evidence.models import WAITING, Attempt, Confirmation, Evidence, Recheck, ScoreRow
from app.evidence.people import hold_person
from app.evidence.rechecks import schedule_recheck
from app.evidence.rubric import Criterion, Total, complete, total
from app.evidence.tries import PractisingOver, practising_of
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, NotFound, WorksideError

PRACTICE = "practice"
LATE = "after_worked"
RECHECK = "recheck"


class DecisionConflict(WorksideError):
    """Somebody else decided while this page was open."""

    status = 409
    title = "Somebody else has decided this meanwhile"
    advice = "Open it again to see their decision. Yours was not saved."


class OwnEvidence(WorksideError):
    """A person cannot confirm what they handed in themselves."""

    status = 403
    title = "You can't decide on your own work"
    advice = "Another instructor of this course has to decide on it."


class EvidenceSuperseded(WorksideError):
    """The learner has handed in a newer answer."""

    status = 409
    title = "There is a newer answer"
    advice = "The learner has handed in a newer answer to this task. Decide on that one."


class DecidedByPolicy(WorksideError):
    """The task is complete when it is handed in: its author asks for no person's decision."""

    status = 409
    title = N_("There is nothing to decide here")
    advice = N_("This task is complete when it is handed in. Its points are given already.")


def rubric_of(task: PracticeTask, kind: str = PRACTICE) -> list[Criterion]:
    """The criteria of a task's version; for a re-check those of its short variant."""
    asked = task.definition["recheck"] if kind == RECHECK else task.definition
    return [
        Criterion(item["id"], float(item.get("weight", 1)), bool(item.get("must", False)))
        for item in asked["criteria"]
    ]


def access_attempt(session: Session, visitor: Visitor, attempt_id: str) -> Attempt:
    """The visitor's own attempt in this course."""
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.user_id != visitor.user_id or attempt.context_id != visitor.context_id:
        raise NotFound
    return attempt


def access_evidence(session: Session, visitor: Visitor, evidence_id: str) -> Evidence:
    """Evidence that a reviewer of its course, or the learner themselves, may see."""
    evidence = session.get(Evidence, evidence_id)
    if evidence is None or evidence.context_id != visitor.context_id:
        raise NotFound
    if not visitor.is_reviewer and evidence.user_id != visitor.user_id:
        raise NotFound
    return evidence


def record_attempt(
    session: Session,
    visitor: Visitor,
    task: PracticeTask,
    *,
    key: str,
    response: str,
    feedback: Sequence[Mapping[str, Any]],
    answer: Mapping[str, Any] | None = None,
    remarks: Mapping[str, Any] | None = None,
    recheck: Recheck | None = None,
) -> Attempt:
    """Keeps one answer with its feedback. The same form sent again (`key`) returns the attempt that it made the first time.

    PractisingOver where a learner has no try left. An answer that comes after the worked ones, seen in another activity of the
    course, says so in its remarks (LATE). The answer of a re-check (`recheck`) is none of the tries.
    """
    hold_person(session, visitor.user_id)
    known = session.scalars(
        select(Attempt).where(Attempt.user_id == visitor.user_id, Attempt.key == key)
    ).one_or_none()
    if known is not None:
        return known
    practising = practising_of(session, visitor, task)
    if recheck is None and practising.is_over:
        raise PractisingOver
    attempt = Attempt(
        key=key,
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
        task_id=task.id,
        task_key=task.key,
        number=1 + (practising.used_here if recheck is None else 0),
        response=response,
        answer=dict(answer) if answer is not None else None,
        feedback=[dict(line) for line in feedback],
        remarks={**(remarks or {}), **({LATE: True} if recheck is None and practising.is_late else {})},
        recheck_id=recheck.id if recheck is not None else None,
    )
    try:
        with session.begin_nested():
            session.add(attempt)
    except IntegrityError:  # the same form arrived twice at once, and the other one was quicker
        return session.scalars(
            select(Attempt).where(Attempt.user_id == visitor.user_id, Attempt.key == key)
        ).one()
    record_event(
        session,
        "attempt.recorded",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="attempt",
        subject_id=attempt.id,
        number=attempt.number,
        recheck=attempt.recheck_id,
    )
    if recheck is None and visitor.is_gradable and practising.used + 1 == practising.tries:
        schedule_recheck(session, visitor, task)
    return attempt


def attempts_of(session: Session, visitor: Visitor, task_key: str) -> list[Attempt]:
    """The visitor's attempts on a task in this activity, oldest first; the answer of its re-check is none of them."""
    return list(
        session.scalars(
            select(Attempt)
            .where(
                Attempt.user_id == visitor.user_id,
                Attempt.resource_link_id == visitor.resource_link_id,
                Attempt.task_key == task_key,
                Attempt.recheck_id.is_(None),
            )
            .order_by(Attempt.number, Attempt.id)
        )
    )


def submit_attempt(session: Session, visitor: Visitor, attempt: Attempt, task: PracticeTask) -> Evidence:
    """Puts an attempt before a human. An earlier submission of the same task is superseded; submitting twice is submitting once.

    `task` is the version that was answered. Where its policy says that handing in is enough, the points stand with it.
    """
    hold_person(session, attempt.user_id)
    known = session.scalars(select(Evidence).where(Evidence.attempt_id == attempt.id)).one_or_none()
    if known is not None:
        return known
    kind = PRACTICE if attempt.recheck_id is None else RECHECK
    evidence = Evidence(
        kind=kind,
        assisted=kind == PRACTICE,
        organisation_id=attempt.organisation_id,
        context_id=attempt.context_id,
        resource_link_id=attempt.resource_link_id,
        user_id=attempt.user_id,
        attempt_id=attempt.id,
        task_id=task.id,
        task_key=task.key,
        skill_key=task.skill_key,
        proposal=attempt.feedback,
    )
    try:
        with session.begin_nested():
            session.add(evidence)
    except IntegrityError:
        return session.scalars(select(Evidence).where(Evidence.attempt_id == attempt.id)).one()
    for earlier in session.scalars(
        select(Evidence).where(
            Evidence.user_id == attempt.user_id,
            Evidence.resource_link_id == attempt.resource_link_id,
            Evidence.task_key == task.key,
            Evidence.kind == kind,
            Evidence.superseded_by.is_(None),
            Evidence.id != evidence.id,
        )
    ):
        earlier.superseded_by = evidence.id
    record_event(
        session,
        "evidence.submitted",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="evidence",
        subject_id=evidence.id,
        kind=kind,
    )
    if kind == PRACTICE:
        if is_complete_when_submitted(task.definition):
            _complete_by_policy(session, evidence, task)
        schedule_recheck(session, visitor, task)
    return evidence


def _complete_by_policy(session: Session, evidence: Evidence, task: PracticeTask) -> None:
    """All the points, by the task's own policy: handing in is what it asks for, and no person judged anything."""
    line_item = line_item_of(session, evidence.resource_link_id, evidence.kind)
    result = complete(line_item.score_maximum if line_item else 100.0)
    confirmation = Confirmation(
        evidence_id=evidence.id,
        number=1,
        reviewer_id=None,
        reviewer_role="policy",
        criteria={},
        points=result.points,
        points_maximum=result.maximum,
    )
    session.add(confirmation)
    session.flush()
    evidence.state = "decided"
    if line_item is not None:
        _set_score(session, line_item, evidence, confirmation, task)
    record_event(
        session,
        "evidence.completed",
        organisation_id=evidence.organisation_id,
        actor_id=None,
        subject_kind="evidence",
        subject_id=evidence.id,
        points=confirmation.points,
    )


def evidence_of_attempt(session: Session, attempt_id: str) -> Evidence | None:
    """What an attempt became when it was handed in. The caller has access to the attempt."""
    return session.scalars(select(Evidence).where(Evidence.attempt_id == attempt_id)).one_or_none()


def confirmation_of(session: Session, evidence_id: str) -> Confirmation | None:
    """The decision that counts: the latest."""
    return session.scalars(
        select(Confirmation)
        .where(Confirmation.evidence_id == evidence_id)
        .order_by(Confirmation.number.desc())
        .limit(1)
    ).first()


def propose(evidence: Evidence, criteria: Sequence[Criterion], maximum: float) -> Total:
    """The points that the suggestions would give, computed by the same code; "can't tell" counts as not met."""
    suggested = {line["criterion"]: line["status"] == "met" for line in evidence.proposal}
    return total(
        criteria, {criterion.id: suggested.get(criterion.id, False) for criterion in criteria}, maximum
    )


def record_confirmation(
    session: Session,
    visitor: Visitor,
    evidence: Evidence,
    task: PracticeTask,
    *,
    met: Mapping[str, bool],
    comment: str,
    after: str | None,
) -> Confirmation:
    """A reviewer's decision, and in the same transaction the score that the gradebook shall show.

    `after` is the id of the decision that the reviewer saw when deciding (None: none yet). Another one meanwhile raises
    DecisionConflict, unless it says the same: a double click is one decision.
    """
    if evidence.user_id == visitor.user_id:
        raise OwnEvidence
    if evidence.kind == PRACTICE and is_complete_when_submitted(task.definition):
        raise DecidedByPolicy
    hold_person(session, evidence.user_id)
    # A lock that leaves the row's key alone: the worker refers to evidence while it holds the score that is wanted next here.
    session.refresh(evidence, with_for_update={"key_share": True})
    if evidence.superseded_by is not None:
        raise EvidenceSuperseded
    latest = confirmation_of(session, evidence.id)
    if latest is not None and latest.id != (after or None):
        if (
            latest.reviewer_id == visitor.user_id
            and latest.criteria == dict(met)
            and latest.comment == comment
        ):
            return latest
        raise DecisionConflict
    line_item = line_item_of(session, evidence.resource_link_id, evidence.kind)
    result = total(rubric_of(task, evidence.kind), met, line_item.score_maximum if line_item else 100.0)
    confirmation = Confirmation(
        evidence_id=evidence.id,
        number=latest.number + 1 if latest else 1,
        reviewer_id=visitor.user_id,
        reviewer_role=visitor.role,
        criteria=dict(met),
        comment=comment,
        points=result.points,
        points_maximum=result.maximum,
    )
    try:
        with session.begin_nested():
            session.add(confirmation)
    except IntegrityError:
        raise DecisionConflict from None
    evidence.state = "decided"
    if line_item is not None:
        _set_score(session, line_item, evidence, confirmation, task)
    record_event(
        session,
        "evidence.decided",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="evidence",
        subject_id=evidence.id,
        number=confirmation.number,
        points=confirmation.points,
    )
    return confirmation


def line_item_of(session: Session, resource_link_id: str, tag: str) -> LineItem | None:
    """The gradebook column of an activity for one kind of evidence, if the platform gave one."""
    return session.scalars(
        select(LineItem).where(LineItem.resource_link_id == resource_link_id, LineItem.tag == tag)
    ).one_or_none()


def _set_score(
    session: Session, line_item: LineItem, evidence: Evidence, confirmation: Confirmation, task: PracticeTask
) -> ScoreRow:
    """The one row of (line item, user) says the new decision; a version further, to be sent. Nothing is sent from here.

    This is the only way to a score, so it looks once more: ValueError where the decision is not the one that the task's policy
    asks for.
    """
    is_by_policy = evidence.kind == PRACTICE and is_complete_when_submitted(task.definition)
    if (confirmation.reviewer_id is None) != is_by_policy or confirmation.evidence_id != evidence.id:
        raise ValueError("a score needs the decision that the task's policy asks for, on this very evidence")
    decided_at = now()
    row = session.scalars(
        select(ScoreRow)
        .where(ScoreRow.line_item_id == line_item.id, ScoreRow.user_id == evidence.user_id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if row is None:
        row = ScoreRow(
            line_item_id=line_item.id,
            user_id=evidence.user_id,
            organisation_id=evidence.organisation_id,
            version=0,
        )
        session.add(row)
    row.evidence_id = evidence.id
    row.confirmation_id = confirmation.id
    row.points = confirmation.points
    row.points_maximum = confirmation.points_maximum
    row.comment = confirmation.comment
    row.decided_at = decided_at
    row.version += 1
    row.state = WAITING
    row.tries = 0
    row.next_try_at = decided_at
    row.reason = ""
    row.needs_new_stamp = row.waits_for_connection = False
    row.asked_at = row.check_at = None
    session.flush()
    return row


def queue_of(session: Session, visitor: Visitor, *, state: str = "submitted") -> list[Evidence]:
    """What waits for a decision in this course, oldest first (or what was decided, latest first)."""
    query = select(Evidence).where(
        Evidence.context_id == visitor.context_id, Evidence.state == state, Evidence.superseded_by.is_(None)
    )
    return list(
        session.scalars(
            query.order_by(Evidence.id if state == "submitted" else Evidence.id.desc()).limit(200)
        )
    )


def count_waiting(session: Session, context_id: str) -> int:
    """How many pieces of evidence wait for a decision in a course."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Evidence)
            .where(
                Evidence.context_id == context_id,
                Evidence.state == "submitted",
                Evidence.superseded_by.is_(None),
            )
        )
        or 0
    )
