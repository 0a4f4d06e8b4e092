"""Practising: a response becomes an attempt with feedback; an attempt that is handed in becomes evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coach.feedback import give_feedback
from app.course.access import Visitor, access_task, access_task_version
from app.course.content import PracticeTask
from app.course.loading import skill_names
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.tasks import feedback_lines, localised, task_title, task_view
from app.evidence.gradebook import gradebook_state
from app.evidence.ledger import attempts_of, confirmation_of, record_attempt
from app.evidence.models import Attempt, Evidence
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotAllowed, NotFound
from app.kit.i18n import Translator
from app.kit.room import DueItem
from lti import return_link

LONGEST_RESPONSE = 8000


class HandInForLearners(NotAllowed):
    """An instructor tries the task out; only a learner's work goes to review and to the gradebook."""

    title = N_("Only learners hand in")
    advice = N_(
        "You are looking at this task as an instructor. Your answer was checked, but it is not handed in."
    )


def tasks_in_scope(services: Services, session: Session, visitor: Visitor) -> list[PracticeTask]:
    """The current tasks of the visit's collections; only the one that the activity names, where it names one."""
    query = (
        select(PracticeTask)
        .where(
            PracticeTask.organisation_id == visitor.organisation_id,
            PracticeTask.collection_id.in_(coach_scope(services.retrieval, visitor).collection_ids),
            PracticeTask.is_current,
        )
        .order_by(PracticeTask.key)
    )
    if only := visitor.task_key:
        query = query.where(PracticeTask.key == only)
    return list(session.scalars(query))


def find_task(services: Services, session: Session, visitor: Visitor, key: str) -> PracticeTask:
    """The task, if it is in the visit's scope; NotFound otherwise.

    An activity that names a task takes no other: its one gradebook column would get the other task's grade.
    """
    if visitor.task_key not in {None, key}:
        raise NotFound
    return access_task(session, visitor, key, coach_scope(services.retrieval, visitor).collection_ids)


def clean_response(response: str, key: str) -> str:
    """The response as it is kept; InputRefused where it is empty or too long, or the form's own key is missing."""
    text = response.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise InputRefused(N_("Write your answer first, then check it."))
    if len(text) > LONGEST_RESPONSE:
        raise InputRefused(N_("The answer is too long: 8,000 characters at most."))
    if not key or len(key) > 64:
        raise InputRefused(
            N_("The form is incomplete. Reload the page and try again; copy your answer first.")
        )
    return text


def check_response(services: Services, visitor: Visitor, task_key: str, response: str, key: str) -> Attempt:
    """Keeps the response as an attempt with feedback on each criterion.

    The feedback takes a second or two; it is made between two units of work, so that nobody waits for a lock meanwhile.
    """
    text = clean_response(response, key)
    with services.database.read() as session:
        task = find_task(services, session, visitor, task_key)
    criteria = localised(task.definition, visitor.locale)["criteria"]
    feedback = [line.as_json() for line in give_feedback(services.retrieval.embedder, criteria, text)]
    with services.database.write() as session:
        return record_attempt(session, visitor, task, key=key, response=text, feedback=feedback)


def refuse_unless_learner(visitor: Visitor) -> None:
    """A score is only sent for someone whom the platform calls a learner outright (conformance case 92)."""
    if not visitor.is_gradable:
        raise HandInForLearners


def evidence_of(session: Session, visitor: Visitor, task_key: str) -> Evidence | None:
    """What the visitor has handed in for this task in this activity and is not superseded."""
    return session.scalars(
        select(Evidence).where(
            Evidence.user_id == visitor.user_id,
            Evidence.resource_link_id == visitor.resource_link_id,
            Evidence.task_key == task_key,
            Evidence.superseded_by.is_(None),
        )
    ).one_or_none()


def list_view(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[dict[str, Any]]:
    """What practice/list.html shows."""
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    views = []
    for task in tasks_in_scope(services, session, visitor):
        evidence = evidence_of(session, visitor, task.key)
        kind, status = "new", translate("Not tried yet")
        if evidence is not None and evidence.state == "decided":
            kind, status = "decided", translate("Looked at by your instructor")
        elif evidence is not None:
            kind, status = "submitted", translate("Handed in, waits for review")
        elif attempts_of(session, visitor, task.key):
            kind, status = "tried", translate("Tried, not handed in")
        view = task_view(task, visitor.locale, names.get(task.skill_key, task.skill_key))
        views.append({**view, "href": f"/practice/{task.key}", "status": status, "status_kind": kind})
    return views


def task_page_view(
    session: Session, visitor: Visitor, task: PracticeTask, shown: str | None, translate: Translator
) -> dict[str, Any]:
    """What practice/task.html shows; `shown` is the attempt whose feedback is open (the last one by default)."""
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    attempts = attempts_of(session, visitor, task.key)
    attempt = next((a for a in attempts if a.id == shown), attempts[-1] if attempts else None)
    evidence = evidence_of(session, visitor, task.key)
    return {
        "task": task_view(task, visitor.locale, names.get(task.skill_key, task.skill_key)),
        "draft": attempt.response if attempt else "",
        "attempts": [
            {
                "number": a.number,
                "at": a.created_at,
                "href": f"/practice/{task.key}?attempt={a.id}#feedback",
                "is_shown": attempt is not None and a.id == attempt.id,
            }
            for a in attempts
        ],
        "feedback": _feedback_view(session, visitor, attempt, evidence) if attempt else None,
        "evidence": evidence_view(session, visitor, evidence, translate) if evidence else None,
        "back_with_news": return_link(
            visitor.return_url, message=translate("Your answer is handed in and waits for review.")
        )
        if visitor.return_url
        else None,
    }


def _feedback_view(
    session: Session, visitor: Visitor, attempt: Attempt, evidence: Evidence | None
) -> dict[str, Any]:
    task = access_task_version(session, visitor, attempt.task_id)
    return {
        "attempt_id": attempt.id,
        "number": attempt.number,
        "lines": feedback_lines(task, attempt.feedback, visitor.locale),
        "is_submitted": evidence is not None and evidence.attempt_id == attempt.id,
    }


def evidence_view(
    session: Session, visitor: Visitor, evidence: Evidence, translate: Translator
) -> dict[str, Any]:
    """What has become of what was handed in: the decision in full, and the gradebook's state."""
    confirmation = confirmation_of(session, evidence.id)
    task = access_task_version(session, visitor, evidence.task_id)
    texts = {item["id"]: item["text"] for item in localised(task.definition, visitor.locale)["criteria"]}
    return {
        "state": "decided" if confirmation else "submitted",
        "points": confirmation.points if confirmation else None,
        "maximum": confirmation.points_maximum if confirmation else None,
        "comment": confirmation.comment if confirmation else "",
        "criteria": [{"text": texts[key], "met": met} for key, met in confirmation.criteria.items()]
        if confirmation
        else [],
        "gradebook": gradebook_state(session, evidence, translate),
        "title": task_title(task, visitor.locale),
    }


def due_for_practice(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[DueItem]:
    """What reviewers decided of the visitor's work in the last two weeks."""
    if visitor.is_reviewer:
        return []
    decided = session.execute(
        select(Evidence, PracticeTask)
        .join(PracticeTask, PracticeTask.id == Evidence.task_id)
        .where(
            Evidence.user_id == visitor.user_id,
            Evidence.context_id == visitor.context_id,
            Evidence.resource_link_id == visitor.resource_link_id,
            Evidence.state == "decided",
            Evidence.superseded_by.is_(None),
            Evidence.created_at > now() - timedelta(days=14),
        )
        .order_by(Evidence.id.desc())
        .limit(3)
    )
    return [
        DueItem(
            translate("Your instructor has looked at “%(title)s”", title=task_title(task, visitor.locale)),
            f"/practice/{task.key}",
        )
        for _, task in decided
    ]
