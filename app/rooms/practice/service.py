"""Practising: a response becomes an attempt with feedback; an attempt that is handed in becomes evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.coach.task_feedback import Decided, asked_of, give_task_feedback
from app.course.access import Visitor, access_task, access_task_version
from app.course.content import PracticeTask
from app.course.loading import skill_names
from app.course.models import ResourceLink
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.tasks import is_complete_when_submitted, localised, task_title, task_view
from app.evidence.contests import unseen_answers
from app.evidence.ledger import PRACTICE, attempts_of, record_attempt
from app.evidence.models import Attempt, Confirmation, Evidence
from app.evidence.rechecks import days_until, rechecks_of
from app.evidence.said import said_of
from app.evidence.tries import Practising, PractisingOver, practising_of
from app.evidence.under_way import refuse_in_recheck
from app.kit.clock import now
from app.kit.errors import N_, NotAllowed, NotFound
from app.kit.i18n import Translator
from app.kit.room import DueItem
from app.rooms.practice.answer_files import file_of, keep_file
from app.rooms.practice.answers import Posted, answer_view, judge_by_code, read_answer
from app.rooms.practice.contests import form_key
from app.rooms.practice.decisions import evidence_view
from app.rooms.practice.rechecks import recheck_view
from lti import return_link

ANNOUNCED_FOR = timedelta(days=14)


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
    only = visitor.task_key
    query = query.where(PracticeTask.key == only if only else PracticeTask.archived_at.is_(None))
    return list(session.scalars(query))


def find_task(services: Services, session: Session, visitor: Visitor, key: str) -> PracticeTask:
    """The task, if it is in the visit's scope; NotFound otherwise.

    An activity that names a task takes no other: its one gradebook column would get the other task's grade. One that is archived
    is there for those who teach, in an activity that names it, and for those who have answered it in this course.
    """
    if visitor.task_key not in {None, key}:
        raise NotFound
    task = access_task(session, visitor, key, coach_scope(services.retrieval, visitor).collection_ids)
    may_see = task.archived_at is None or visitor.task_key == key or visitor.is_placer or visitor.is_reviewer
    if not may_see and practising_of(session, visitor, task).used == 0:
        raise NotFound
    return task


async def check_response(services: Services, visitor: Visitor, task_key: str, posted: Posted) -> Attempt:
    """Keeps the answer as an attempt with feedback on each criterion.

    Reading a file and the feedback take seconds; both happen between two units of work, so that nobody waits for a lock
    meanwhile. PractisingOver where the worked answers are open already.
    """

    def find() -> tuple[PracticeTask, Attempt | None, Practising]:
        with services.database.read() as session:
            refuse_in_recheck(session, visitor)
            task = find_task(services, session, visitor, task_key)
            known = select(Attempt).where(
                Attempt.user_id == visitor.user_id, Attempt.key == posted.text("attempt_key")
            )
            return task, session.scalars(known).one_or_none(), practising_of(session, visitor, task)

    task, known, practising = await run_in_threadpool(find)
    if known is not None:
        return known
    if practising.is_over:
        raise PractisingOver
    definition = localised(task.definition, visitor.locale)
    given = await run_in_threadpool(read_answer, definition, posted.form, posted.upload)
    key = form_key(posted.text("attempt_key"))
    asked = asked_of(
        task.definition,
        definition,
        visitor.locale,
        may_show_solution=practising.has_ended or practising.used + 1 >= practising.tries,
    )
    judged = {name: Decided(one.is_met, one.line) for name, one in judge_by_code(definition, given).items()}
    payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
    feedback = await give_task_feedback(
        services.retrieval.embedder, coach_of(services).models, payer, asked, given.own_words, judged
    )

    def keep() -> Attempt:
        with services.database.write() as session:
            attempt = record_attempt(
                session,
                visitor,
                task,
                key=key,
                response=given.text,
                answer=given.as_json(),
                feedback=feedback.lines_as_json(),
                remarks=feedback.remarks(),
            )
            keep_file(session, attempt, given)
            return attempt

    return await run_in_threadpool(keep)


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
            Evidence.kind == PRACTICE,
            Evidence.superseded_by.is_(None),
        )
    ).one_or_none()


def list_view(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[dict[str, Any]]:
    """The tasks of practice/list.html. What was done with help stands here, and re-checks apart (`rechecks_view`)."""
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    views = []
    for task in tasks_in_scope(services, session, visitor):
        evidence = evidence_of(session, visitor, task.key)
        kind, status = "new", translate("Not tried yet")
        if evidence is not None and evidence.state == "decided":
            kind = "decided"
            status = (
                translate("Complete")
                if is_complete_when_submitted(
                    access_task_version(session, visitor, evidence.task_id).definition
                )
                else translate("Looked at by your instructor")
            )
        elif evidence is not None:
            kind, status = "submitted", translate("Handed in, waits for review")
        elif attempts_of(session, visitor, task.key):
            kind, status = "tried", translate("Tried, not handed in")
        view = task_view(task, visitor.locale, names.get(task.skill_key, task.skill_key))
        views.append({**view, "href": f"/practice/{task.key}", "status": status, "status_kind": kind})
    return views


def task_page_view(
    session: Session,
    visitor: Visitor,
    task: PracticeTask,
    shown: str | None,
    attempt_key: str,
    translate: Translator,
) -> dict[str, Any]:
    """What practice/task.html shows; `shown` is the attempt whose feedback is open (the last one by default)."""
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    attempts = attempts_of(session, visitor, task.key)
    attempt = next((a for a in attempts if a.id == shown), attempts[-1] if attempts else None)
    evidence = evidence_of(session, visitor, task.key)
    practising = practising_of(session, visitor, task)
    definition = localised(task.definition, visitor.locale)
    recheck = next((row for row in rechecks_of(session, visitor) if row.task_key == task.key), None)
    return {
        "task": task_view(task, visitor.locale, names.get(task.skill_key, task.skill_key)),
        "attempt_key": attempt_key,
        "answer": answer_view(definition, attempt_key, _earlier(attempt)),
        "keep": task.key,
        "practising": practising,
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
        "weak": definition.get("worked_weak", "") if attempt else "",
        "worked": _worked_view(definition) if practising.shows_worked else None,
        "evidence": evidence_view(session, visitor, evidence, translate) if evidence else None,
        "completes": is_complete_when_submitted(
            access_task_version(session, visitor, attempt.task_id).definition if attempt else task.definition
        ),
        "recheck": recheck_view(recheck, task, visitor.locale) if recheck else None,
        "recheck_days": days_until(task) if visitor.is_gradable else None,
        "back_with_news": return_link(visitor.return_url, message=_news(evidence, translate))
        if visitor.return_url and evidence is not None
        else None,
    }


def _news(evidence: Evidence, translate: Translator) -> str:
    """What the learning platform is told when the person goes back to it."""
    if evidence.state == "decided":
        return translate("Your answer is handed in.")
    return translate("Your answer is handed in and waits for review.")


def _earlier(attempt: Attempt | None) -> dict[str, Any] | None:
    """An attempt as the next one begins from it."""
    if attempt is None:
        return None
    return {"text": attempt.response, **(attempt.answer or {"kind": "text", "data": {}})}


def _worked_view(definition: dict[str, Any]) -> dict[str, Any]:
    """What the author would do: only for somebody whose practising is over."""
    return {
        "steps": definition.get("solution_steps", []),
        "strong": definition.get("worked_strong", ""),
        "order": [
            step["text"] for step in sorted(definition.get("steps") or [], key=lambda one: one["place"])
        ],
        "best": [one["text"] for one in definition.get("choices") or [] if one.get("is_best")],
    }


def _feedback_view(
    session: Session, visitor: Visitor, attempt: Attempt, evidence: Evidence | None
) -> dict[str, Any]:
    task = access_task_version(session, visitor, attempt.task_id)
    kept = file_of(session, attempt)
    return {
        "attempt_id": attempt.id,
        "number": attempt.number,
        "response": attempt.response,
        "kind": (attempt.answer or {}).get("kind", "text"),
        "file": {"name": kept.filename, "href": f"/practice/attempts/{attempt.id}/file"} if kept else None,
        "is_submitted": evidence is not None and evidence.attempt_id == attempt.id,
        **said_of(session, task, attempt, visitor.locale),
    }


def due_for_practice(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[DueItem]:
    """Re-checks that are due, answers to what the visitor contested, and what reviewers decided in the last two weeks."""
    if visitor.is_reviewer or visitor.is_anonymous:
        return []
    return [
        *_rechecks_due(session, visitor, translate),
        *_answers_due(session, visitor, translate),
        *_decisions_due(session, visitor, translate),
    ]


def _rechecks_due(session: Session, visitor: Visitor, translate: Translator) -> list[DueItem]:
    items = []
    for row in rechecks_of(session, visitor):
        title = task_title(access_task_version(session, visitor, row.task_id), visitor.locale)
        href = f"/practice/rechecks/{row.id}"
        if row.state == "open":
            items.append(DueItem(translate("Your re-check of “%(title)s” is open", title=title), href))
        elif row.state == "waiting" and row.due_at <= now():
            items.append(DueItem(translate("A short re-check of “%(title)s” is due", title=title), href))
    return items


def _answers_due(session: Session, visitor: Visitor, translate: Translator) -> list[DueItem]:
    items = {}
    for row in unseen_answers(session, visitor):
        attempt = session.get_one(Attempt, row.attempt_id)
        task = access_task_version(session, visitor, attempt.task_id)
        text = translate(
            "Your instructor has answered what you said about “%(title)s”",
            title=task_title(task, visitor.locale),
        )
        items[attempt.id] = _due_item(session, visitor, attempt, text, attempt_href(attempt), translate)
    return list(items.values())


def _due_item(
    session: Session, visitor: Visitor, attempt: Attempt, text: str, href: str, translate: Translator
) -> DueItem:
    """A line about an attempt. One that was made in another activity of the course is read there, and the line says where: here
    the task's page is about another column, or is no page at all. A re-check is the course's, so it opens anywhere.
    """
    if attempt.recheck_id is not None or attempt.resource_link_id == visitor.resource_link_id:
        return DueItem(text, href)
    activity = session.get_one(ResourceLink, attempt.resource_link_id)
    if activity.title:
        return DueItem(
            translate("%(text)s: open the activity “%(activity)s”", text=text, activity=activity.title)
        )
    return DueItem(translate("%(text)s: open the activity in which you handed it in", text=text))


def attempt_href(attempt: Attempt) -> str:
    """The page on which an attempt stands with what was said of it."""
    if attempt.recheck_id is not None:
        return f"/practice/rechecks/{attempt.recheck_id}"
    return f"/practice/{attempt.task_key}?attempt={attempt.id}"


def _decisions_due(session: Session, visitor: Visitor, translate: Translator) -> list[DueItem]:
    decided = session.execute(
        select(Evidence, PracticeTask)
        .join(PracticeTask, PracticeTask.id == Evidence.task_id)
        .join(Confirmation, Confirmation.evidence_id == Evidence.id)
        .where(
            Evidence.user_id == visitor.user_id,
            Evidence.context_id == visitor.context_id,
            Evidence.state == "decided",
            Evidence.superseded_by.is_(None),
            # What the task's own policy decided is no news.
            Confirmation.reviewer_id.is_not(None),
            Confirmation.created_at > now() - ANNOUNCED_FOR,
        )
        .order_by(Confirmation.created_at.desc())
    )
    items = {}
    for evidence, task in decided:
        attempt = session.get_one(Attempt, evidence.attempt_id)
        href = attempt_href(attempt) if attempt.recheck_id else f"/practice/{task.key}"
        text = (
            translate(
                "Your instructor has looked at your re-check of “%(title)s”",
                title=task_title(task, visitor.locale),
            )
            if attempt.recheck_id
            else translate(
                "Your instructor has looked at “%(title)s”", title=task_title(task, visitor.locale)
            )
        )
        items[(href, attempt.resource_link_id)] = _due_item(session, visitor, attempt, text, href, translate)
    return list(items.values())[:3]
