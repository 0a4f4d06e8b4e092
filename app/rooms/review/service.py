"""Reviewing: the queue, one piece of evidence beside its rubric, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor, access_member, access_task_version
from app.course.loading import skill_names
from app.course.services import Services
from app.course.tasks import is_complete_when_submitted, localised, task_title, task_view
from app.evidence.contests import (
    LONGEST_ANSWER,
    clean_words,
    contests_on,
    count_open_contests,
    open_contests,
)
from app.evidence.gradebook import gradebook_state
from app.evidence.ledger import (
    LATE,
    PRACTICE,
    RECHECK,
    confirmation_of,
    count_waiting,
    evidence_of_attempt,
    line_item_of,
    propose,
    queue_of,
    rubric_of,
)
from app.evidence.models import AnswerFile, Attempt, Contest, Evidence, Recheck
from app.evidence.said import criteria_of, decided_view, kind_of_attempt, lines_view, said_of
from app.evidence.tries import self_assessment_of
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator
from app.kit.room import DueItem

LONGEST_COMMENT = 2000


def queue_view(session: Session, visitor: Visitor, translate: Translator) -> dict[str, Any]:
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
            "is_recheck": evidence.kind == RECHECK,
            "by_policy": False,
        }

    decided = []
    for evidence in queue_of(session, visitor, state="decided"):
        confirmation = confirmation_of(session, evidence.id)
        if confirmation is not None:
            points = {
                "points": confirmation.points,
                "maximum": confirmation.points_maximum,
                "criteria": len(confirmation.criteria),
                "met": sum(confirmation.criteria.values()),
                "by_policy": confirmation.reviewer_id is None,
            }
            decided.append(
                {**entry(evidence), **points, "gradebook": gradebook_state(session, evidence, translate)}
            )
    return {
        "waiting": [entry(evidence) for evidence in queue_of(session, visitor)],
        "decided": decided,
        "contests": [
            _contest_row(session, visitor, row) for row in open_contests(session, visitor.context_id)
        ],
    }


def _contest_row(session: Session, visitor: Visitor, row: Contest) -> dict[str, Any]:
    attempt = session.get_one(Attempt, row.attempt_id)
    task = access_task_version(session, visitor, attempt.task_id)
    return {
        "href": f"/review/contests/{row.id}",
        "learner": access_member(session, visitor, row.user_id).display_name,
        "task": task_title(task, visitor.locale),
        "at": row.created_at,
        "about": row.about,
    }


def contest_page_view(
    session: Session, visitor: Visitor, row: Contest, translate: Translator
) -> dict[str, Any]:
    """What review/contest.html shows: the line, the answer that it is about, what the learner says, and the answer to that.

    The learner was told that the answer is seen with it, also where it was not handed in.
    """
    attempt = session.get_one(Attempt, row.attempt_id)
    task = access_task_version(session, visitor, attempt.task_id)
    kind = kind_of_attempt(attempt)
    criteria = criteria_of(task, kind, visitor.locale)
    evidence = evidence_of_attempt(session, attempt.id)
    confirmation = confirmation_of(session, evidence.id) if evidence else None
    lines = lines_view(criteria, attempt.feedback)
    return {
        "contest": {
            "id": row.id,
            "words": row.words,
            "about": row.about,
            "is_open": row.state == "open",
            "agrees": row.agrees,
            "answer": row.answer,
            "at": row.created_at,
            "answered_by": access_member(session, visitor, row.answered_by).display_name
            if row.answered_by
            else "",
        },
        "learner": access_member(session, visitor, row.user_id).display_name,
        "title": task_title(task, visitor.locale),
        "is_recheck": kind == RECHECK,
        "attempt_number": attempt.number,
        "criterion": next((one["text"] for one in criteria if one["id"] == row.criterion), row.criterion),
        "line": next((line for line in lines if line["criterion"] == row.criterion), None),
        "met": confirmation.criteria.get(row.criterion) if confirmation else None,
        "response": attempt.response,
        "evidence_href": f"/review/{evidence.id}" if evidence else None,
        "is_own": row.user_id == visitor.user_id,
    }


def read_contest_answer(form: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the reviewer agrees, and their words; InputRefused where one of them is missing."""
    value = form.get("agrees")
    if value not in {"yes", "no"}:
        raise InputRefused(N_("Choose whether the learner is right, then send your answer."))
    words = clean_words(
        str(form.get("answer", "")), LONGEST_ANSWER, N_("Write a sentence to the learner: why it is so.")
    )
    return value == "yes", words


def submission_of(session: Session, visitor: Visitor, user_id: str) -> Evidence | None:
    """What a person handed in last in the visitor's activity. The caller has looked at who asks."""
    return session.scalars(
        select(Evidence)
        .where(
            Evidence.context_id == visitor.context_id,
            Evidence.resource_link_id == visitor.resource_link_id,
            Evidence.user_id == user_id,
            # A gradebook asks for what is behind a grade, and a re-check is none.
            Evidence.kind == PRACTICE,
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
    criteria = criteria_of(task, evidence.kind, visitor.locale)
    own = self_assessment_of(session, attempt.id)
    contests = contests_on(session, [attempt.id])
    line_item = line_item_of(session, evidence.resource_link_id, evidence.kind)
    maximum = line_item.score_maximum if line_item else 100.0
    proposed = propose(evidence, rubric_of(task, evidence.kind), maximum)
    confirmation = confirmation_of(session, evidence.id)
    decision = None
    if confirmation is not None:
        decision = {
            "id": confirmation.id,
            "reviewer": access_member(session, visitor, confirmation.reviewer_id).display_name
            if confirmation.reviewer_id
            else "",
            "by_policy": confirmation.reviewer_id is None,
            "at": confirmation.created_at,
            "criteria": decided_view(criteria, confirmation.criteria, contests),
            "comment": confirmation.comment,
            "points": confirmation.points,
            "maximum": confirmation.points_maximum,
        }
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    shown = task_view(task, visitor.locale, names.get(task.skill_key, task.skill_key))
    is_recheck = evidence.kind == RECHECK
    if is_recheck:
        variant = definition["recheck"]
        shown |= {
            "situation": variant["situation"],
            "ask": variant["ask"],
            "criteria": [
                {"id": one["id"], "text": one["text"], "must": bool(one.get("must", False))}
                for one in criteria
            ],
        }
    recheck = session.get(Recheck, attempt.recheck_id) if attempt.recheck_id else None
    said = said_of(session, task, attempt, visitor.locale)
    return {
        "evidence_id": evidence.id,
        "learner": access_member(session, visitor, evidence.user_id).display_name,
        "task": {
            **shown,
            # How its author would solve the task says little of another case.
            "solution_steps": [] if is_recheck else definition.get("solution_steps", []),
            "strong": "" if is_recheck else definition.get("worked_strong", ""),
            "weak": "" if is_recheck else definition.get("worked_weak", ""),
        },
        "response": attempt.response,
        "file": _file_view(session, attempt),
        "attempt_number": attempt.number,
        "earlier_attempts": attempt.number - 1,
        "is_late": bool(attempt.remarks.get(LATE)),
        "is_recheck": is_recheck,
        "openings": recheck.openings if recheck else 0,
        "completes": not is_recheck and is_complete_when_submitted(task.definition),
        "at": evidence.created_at,
        "proposal": {
            "points": proposed.points,
            "maximum": proposed.maximum,
            "lines": lines_view(criteria, evidence.proposal, own.criteria if own else None, contests),
            "voice": said["voice"],
            "left_out": said["left_out"],
            "has_own_view": own is not None,
        },
        "decision": decision,
        "gradebook": gradebook_state(session, evidence, translate),
        "is_superseded": evidence.superseded_by is not None,
        "is_own": evidence.user_id == visitor.user_id,
    }


def _file_view(session: Session, attempt: Attempt) -> dict[str, str] | None:
    """The file that an answer consists of, where it is one."""
    name = session.scalar(select(AnswerFile.filename).where(AnswerFile.attempt_id == attempt.id))
    return {"name": name, "href": f"/practice/attempts/{attempt.id}/file"} if name else None


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
    """How many answers, and how many contested lines, wait for the reviewer."""
    if not visitor.is_reviewer:
        return []
    items = []
    if waiting := count_waiting(session, visitor.context_id):
        text = translate.plural(
            "%(n)d answer waits for your review", "%(n)d answers wait for your review", waiting
        )
        items.append(DueItem(text, "/review"))
    if contested := count_open_contests(session, visitor.context_id):
        text = translate.plural(
            "A learner says that %(n)d line is wrong", "Learners say that %(n)d lines are wrong", contested
        )
        items.append(DueItem(text, "/review"))
    return items
