"""The unaided re-check: a page that says when it is due, opens it, takes its one answer, and shows what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.coach.task_feedback import asked_in_recheck, give_task_feedback
from app.course.access import Visitor, access_task_version
from app.course.content import PracticeTask
from app.course.services import Services
from app.course.tasks import localised, task_title
from app.evidence.ledger import evidence_of_attempt, record_attempt, submit_attempt
from app.evidence.models import Attempt, Recheck
from app.evidence.rechecks import (
    DONE,
    OPEN,
    RecheckClosed,
    access_recheck,
    finish_recheck,
    rechecks_of,
)
from app.evidence.said import said_of
from app.kit.clock import now
from app.kit.i18n import Translator
from app.rooms.practice.answers import Posted, read_answer
from app.rooms.practice.contests import form_key
from app.rooms.practice.decisions import evidence_view

# The variant is short, so its answer is text whatever the task asked for.
_TEXT: Mapping[str, Any] = {"answer_kind": "text"}


def attempt_of(session: Session, recheck: Recheck) -> Attempt | None:
    """The one answer of a re-check that the caller has access to."""
    return session.scalars(select(Attempt).where(Attempt.recheck_id == recheck.id)).one_or_none()


async def answer_recheck(services: Services, visitor: Visitor, recheck_id: str, posted: Posted) -> Attempt:
    """Hands in the one answer: attempt, evidence and the end of the re-check stand together. Sent twice it is one answer.

    The feedback is made before, between two units of work; nobody sees it until the answer is handed in.
    """

    def find() -> tuple[PracticeTask, Attempt | None]:
        with services.database.read() as session:
            row = access_recheck(session, visitor, recheck_id)
            given = attempt_of(session, row)
            if given is None and row.state != OPEN:
                raise RecheckClosed
            return access_task_version(session, visitor, row.task_id), given

    task, given = await run_in_threadpool(find)
    if given is not None:
        return given
    answer = read_answer(_TEXT, posted.form)
    key = form_key(posted.text("attempt_key"))
    asked = asked_in_recheck(localised(task.definition, visitor.locale), visitor.locale)
    payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
    feedback = await give_task_feedback(
        services.retrieval.embedder, coach_of(services).models, payer, asked, answer.own_words
    )

    def keep() -> Attempt:
        with services.database.write() as session:
            row = access_recheck(session, visitor, recheck_id, for_update=True)
            if (earlier := attempt_of(session, row)) is not None:
                return earlier
            finish_recheck(session, visitor, row)
            attempt = record_attempt(
                session,
                visitor,
                access_task_version(session, visitor, row.task_id),
                key=key,
                response=answer.text,
                answer=answer.as_json(),
                feedback=feedback.lines_as_json(),
                remarks=feedback.remarks(),
                recheck=row,
            )
            submit_attempt(session, visitor, attempt, access_task_version(session, visitor, row.task_id))
            return attempt

    return await run_in_threadpool(keep)


def recheck_page_view(
    session: Session, visitor: Visitor, row: Recheck, translate: Translator
) -> dict[str, Any]:
    """What practice/recheck.html shows. Of the variant itself nothing is shown before it is open, of its checklist nothing before
    its answer is handed in."""
    task = access_task_version(session, visitor, row.task_id)
    definition = localised(task.definition, visitor.locale)
    attempt = attempt_of(session, row)
    evidence = evidence_of_attempt(session, attempt.id) if attempt else None
    shows_variant = row.state in {OPEN, DONE}
    return {
        "recheck": {
            **recheck_view(row, task, visitor.locale),
            "situation": definition["recheck"]["situation"] if shows_variant else "",
            "ask": definition["recheck"]["ask"] if shows_variant else "",
            "days": int(definition["recheck"].get("after_days", 7)),
        },
        "response": attempt.response if attempt else "",
        "feedback": {**said_of(session, task, attempt, visitor.locale), "attempt_id": attempt.id}
        if attempt
        else None,
        "evidence": evidence_view(session, visitor, evidence, translate) if evidence else None,
    }


def recheck_view(row: Recheck, task: PracticeTask, locale: str) -> dict[str, Any]:
    """How one re-check stands, for its page and for the list."""
    return {
        "id": row.id,
        "href": f"/practice/rechecks/{row.id}",
        "task_href": f"/practice/{row.task_key}",
        "title": task_title(task, locale),
        "state": "due" if row.state == "waiting" and row.due_at <= now() else row.state,
        "due_at": row.due_at,
        "openings": row.openings,
    }


def rechecks_view(session: Session, visitor: Visitor) -> list[dict[str, Any]]:
    """The visitor's re-checks in this activity for the list, apart from the tasks."""
    return [
        recheck_view(row, access_task_version(session, visitor, row.task_id), visitor.locale)
        for row in rechecks_of(session, visitor)
    ]
