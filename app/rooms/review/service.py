"""Reviewing: the queue, one piece of evidence beside its rubric, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor, access_member, access_task_version
from app.course.loading import skill_names
from app.course.services import Services
from app.course.tasks import feedback_lines, localised, task_title, task_view
from app.evidence.gradebook import gradebook_state
from app.evidence.ledger import confirmation_of, count_waiting, line_item_of, propose, queue_of, rubric_of
from app.evidence.models import Attempt, Evidence
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator
from app.kit.room import DueItem

LONGEST_COMMENT = 2000


def queue_view(session: Session, visitor: Visitor, translate: Translator) -> dict[str, list[dict[str, Any]]]:
    """What review/queue.html shows."""

    def entry(evidence: Evidence) -> dict[str, Any]:
        task = access_task_version(session, visitor, evidence.task_id)
        attempt = session.get_one(Attempt, evidence.attempt_id)
        return {
            "href": f"/review/{evidence.id}",
            "learner": access_member(session, visitor, evidence.user_id).display_name,
            "task": task_title(task, visitor.locale),
            "at": evidence.created_at,
            "number": attempt.number,
        }

    decided = []
    for evidence in queue_of(session, visitor, state="decided"):
        confirmation = confirmation_of(session, evidence.id)
        if confirmation is not None:
            points = {"points": confirmation.points, "maximum": confirmation.points_maximum}
            decided.append(
                {**entry(evidence), **points, "gradebook": gradebook_state(session, evidence, translate)}
            )
    return {"waiting": [entry(evidence) for evidence in queue_of(session, visitor)], "decided": decided}


def submission_of(session: Session, visitor: Visitor, user_id: str) -> Evidence | None:
    """What a person handed in last in the visitor's activity. The caller has looked at who asks."""
    return session.scalars(
        select(Evidence)
        .where(
            Evidence.context_id == visitor.context_id,
            Evidence.resource_link_id == visitor.resource_link_id,
            Evidence.user_id == user_id,
            Evidence.superseded_by.is_(None),
        )
        .order_by(Evidence.id.desc())
        .limit(1)
    ).first()


def evidence_page_view(
    session: Session, visitor: Visitor, evidence: Evidence, translate: Translator
) -> dict[str, Any]:
    """What review/evidence.html shows: the learner's words beside the rubric, the proposal and the decision apart."""
    task = access_task_version(session, visitor, evidence.task_id)
    attempt = session.get_one(Attempt, evidence.attempt_id)
    definition = localised(task.definition, visitor.locale)
    texts = {item["id"]: item["text"] for item in definition["criteria"]}
    line_item = line_item_of(session, evidence.resource_link_id, evidence.kind)
    maximum = line_item.score_maximum if line_item else 100.0
    proposed = propose(evidence, rubric_of(task), maximum)
    confirmation = confirmation_of(session, evidence.id)
    decision = None
    if confirmation is not None:
        decision = {
            "id": confirmation.id,
            "reviewer": access_member(session, visitor, confirmation.reviewer_id).display_name,
            "at": confirmation.created_at,
            "criteria": [
                {"text": texts[key], "met": met, "id": key} for key, met in confirmation.criteria.items()
            ],
            "comment": confirmation.comment,
            "points": confirmation.points,
            "maximum": confirmation.points_maximum,
        }
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    return {
        "evidence_id": evidence.id,
        "learner": access_member(session, visitor, evidence.user_id).display_name,
        "task": {
            **task_view(task, visitor.locale, names.get(task.skill_key, task.skill_key)),
            "solution_steps": definition.get("solution_steps", []),
            "strong": definition.get("worked_strong", ""),
            "weak": definition.get("worked_weak", ""),
        },
        "response": attempt.response,
        "attempt_number": attempt.number,
        "earlier_attempts": attempt.number - 1,
        "at": evidence.created_at,
        "proposal": {
            "points": proposed.points,
            "maximum": proposed.maximum,
            "lines": feedback_lines(task, evidence.proposal, visitor.locale),
        },
        "decision": decision,
        "gradebook": gradebook_state(session, evidence, translate),
        "is_superseded": evidence.superseded_by is not None,
        "is_own": evidence.user_id == visitor.user_id,
    }


def read_decision(form: Mapping[str, Any], criterion_ids: list[str]) -> tuple[dict[str, bool], str]:
    """Each criterion's yes or no and the comment; InputRefused where a criterion has none: a person decides every one."""
    met: dict[str, bool] = {}
    for criterion in criterion_ids:
        value = form.get(f"met_{criterion}")
        if value not in {"yes", "no"}:
            raise InputRefused(N_("Decide yes or no for every criterion, then confirm."))
        met[criterion] = value == "yes"
    comment = str(form.get("comment", "")).replace("\r\n", "\n").replace("\x00", "").strip()
    if len(comment) > LONGEST_COMMENT:
        raise InputRefused(N_("The comment is too long: 2,000 characters at most."))
    return met, comment


def due_for_review(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[DueItem]:
    """How many answers wait for the reviewer."""
    waiting = count_waiting(session, visitor.context_id) if visitor.is_reviewer else 0
    if not waiting:
        return []
    text = translate.plural(
        "%(n)d answer waits for your review", "%(n)d answers wait for your review", waiting
    )
    return [DueItem(text, "/review")]
