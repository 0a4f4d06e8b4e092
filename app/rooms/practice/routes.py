"""Pages of Practice."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from app.course.access import AnyVisitor, access_task_version, refuse_anonymous
from app.course.services import Services
from app.evidence.ledger import access_attempt, submit_attempt
from app.evidence.rechecks import access_recheck, open_recheck, put_off_recheck
from app.evidence.tries import end_practising, record_self_assessment, ticked
from app.evidence.under_way import recheck_under_way, refuse_in_recheck
from app.kit.db import Db
from app.kit.ids import new_id
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.practice.answers import PostedAnswer
from app.rooms.practice.contests import contest_line, note_answers_seen
from app.rooms.practice.rechecks import answer_recheck, recheck_page_view, rechecks_view
from app.rooms.practice.service import (
    attempt_href,
    check_response,
    find_task,
    list_view,
    refuse_unless_learner,
    task_page_view,
)

router = APIRouter()
limit = RateLimit(per_minute=20)
contesting = RateLimit(per_minute=10)


@router.get("/practice")
def list_tasks(request: Request, visitor: AnyVisitor, session: Db) -> Response:
    """The tasks of this activity's content, and apart from them the visitor's re-checks."""
    tasks = list_view(request.app.state.services, session, visitor, translator_of(request))
    rechecks = rechecks_view(session, visitor)
    return render_page(request, "practice/list.html", tasks=tasks, rechecks=rechecks)


@router.get("/practice/rechecks/{recheck_id}")
def show_recheck(request: Request, visitor: AnyVisitor, session: Db, recheck_id: str) -> Response:
    """The visitor's own re-check: when it is due, its questions while it is open, and afterwards what came of it."""
    row = access_recheck(session, visitor, recheck_id)
    view = recheck_page_view(session, visitor, row, translator_of(request))
    if view["feedback"]:
        note_answers_seen(request.app.state.services, session, visitor, {view["feedback"]["attempt_id"]})
    return render_page(request, "practice/recheck.html", attempt_key=new_id(), **view)


@router.post("/practice/rechecks/{recheck_id}/open")
def begin_recheck(visitor: AnyVisitor, session: Db, recheck_id: str) -> Response:
    """Opens a re-check that is due; the coach is closed to the visitor in this course until it ends."""
    refuse_unless_learner(visitor)
    open_recheck(session, visitor, access_recheck(session, visitor, recheck_id, for_update=True))
    return RedirectResponse(f"/practice/rechecks/{quote(recheck_id)}", 303)


@router.post("/practice/rechecks/{recheck_id}/answer")
async def hand_in_recheck(
    request: Request, visitor: AnyVisitor, recheck_id: str, posted: PostedAnswer
) -> Response:
    """Hands in the one answer of a re-check."""
    limit.hit(visitor.user_id)
    refuse_unless_learner(visitor)
    attempt = await answer_recheck(request.app.state.services, visitor, recheck_id, posted)
    return RedirectResponse(f"/practice/rechecks/{attempt.recheck_id}#feedback", 303)


@router.post("/practice/rechecks/{recheck_id}/leave")
def leave_recheck(visitor: AnyVisitor, session: Db, recheck_id: str) -> Response:
    """Ends an open re-check without an answer; it is due again some days later."""
    row = access_recheck(session, visitor, recheck_id, for_update=True)
    put_off_recheck(session, visitor, row, access_task_version(session, visitor, row.task_id))
    return RedirectResponse(f"/practice/rechecks/{row.id}", 303)


@router.get("/practice/{key}")
def show_task(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    key: str,
    attempt: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """A task with the visitor's attempts, their feedback, and what became of what was handed in.

    While a re-check is open the page is that one: worked answers beside it would not be unaided.
    """
    services: Services = request.app.state.services
    task = find_task(services, session, visitor, key)
    if (recheck := recheck_under_way(session, visitor)) is not None:
        return RedirectResponse(f"/practice/rechecks/{recheck.recheck_id}", 303)
    view = task_page_view(session, visitor, task, attempt, new_id(), translator_of(request))
    shown = {part["attempt_id"] for part in (view["feedback"], view["evidence"]) if part}
    note_answers_seen(services, session, visitor, shown)
    return render_page(request, "practice/task.html", **view)


@router.post("/practice/{key}/attempts")
async def check_answer(request: Request, visitor: AnyVisitor, key: str, posted: PostedAnswer) -> Response:
    """Checks an answer and shows it with its feedback. The same form sent twice is one attempt."""
    limit.hit(visitor.user_id)
    refuse_anonymous(visitor)
    attempt = await check_response(request.app.state.services, visitor, key, posted)
    return RedirectResponse(f"/practice/{attempt.task_key}?attempt={attempt.id}#feedback", 303)


@router.post("/practice/{key}/end")
def end(request: Request, visitor: AnyVisitor, session: Db, key: str) -> Response:
    """Shows the worked answers; no further attempt is taken from a learner."""
    refuse_anonymous(visitor)
    refuse_in_recheck(session, visitor)
    task = find_task(request.app.state.services, session, visitor, key)
    end_practising(session, visitor, task)
    return RedirectResponse(f"/practice/{task.key}#worked", 303)


@router.post("/practice/attempts/{attempt_id}/submit")
def hand_in(request: Request, visitor: AnyVisitor, session: Db, attempt_id: str) -> Response:
    """Puts an attempt before the instructor."""
    refuse_anonymous(visitor)
    refuse_unless_learner(visitor)
    attempt = access_attempt(session, visitor, attempt_id)
    find_task(request.app.state.services, session, visitor, attempt.task_key)
    submit_attempt(session, visitor, attempt, access_task_version(session, visitor, attempt.task_id))
    return RedirectResponse(
        attempt_href(attempt) if attempt.recheck_id else f"/practice/{attempt.task_key}#result", 303
    )


async def posted_ticks(request: Request) -> list[str]:
    """The criteria that were ticked."""
    return [value for value in (await request.form()).getlist("met") if isinstance(value, str)]


@router.post("/practice/attempts/{attempt_id}/own-view")
def assess_oneself(
    visitor: AnyVisitor, session: Db, attempt_id: str, ticks: Annotated[list[Any], Depends(posted_ticks)]
) -> Response:
    """Keeps what the learner thinks of their own attempt, beside the suggestion."""
    attempt = access_attempt(session, visitor, attempt_id)
    record_self_assessment(
        session, visitor, attempt, ticked([line["criterion"] for line in attempt.feedback], ticks)
    )
    return RedirectResponse(f"{attempt_href(attempt)}#own-view", 303)


@router.post("/practice/attempts/{attempt_id}/contests")
def contest(
    visitor: AnyVisitor,
    session: Db,
    attempt_id: str,
    criterion: Annotated[str, Form(max_length=100)] = "",
    about: Annotated[str, Form(max_length=20)] = "",
    words: Annotated[str, Form()] = "",
    contest_key: Annotated[str, Form()] = "",
) -> Response:
    """The learner says what is wrong with one line of what was said of their attempt."""
    contesting.hit(visitor.user_id)
    refuse_unless_learner(visitor)
    attempt = access_attempt(session, visitor, attempt_id)
    row = contest_line(
        session, visitor, attempt, criterion=criterion, about=about, words=words, key=contest_key
    )
    return RedirectResponse(f"{attempt_href(attempt)}#contest-{row.about}-{row.criterion}", 303)
