"""Pages of Practice."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from app.course.access import AnyVisitor, access_task_version, refuse_anonymous
from app.course.services import Services
from app.evidence.ledger import access_attempt, submit_attempt
from app.kit.db import Db
from app.kit.ids import new_id
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.practice.service import (
    check_response,
    find_task,
    list_view,
    refuse_unless_learner,
    task_page_view,
)

router = APIRouter()
limit = RateLimit(per_minute=20)


@router.get("/practice")
def list_tasks(request: Request, visitor: AnyVisitor, session: Db) -> Response:
    """The tasks of this activity's content."""
    tasks = list_view(request.app.state.services, session, visitor, translator_of(request))
    return render_page(request, "practice/list.html", tasks=tasks)


@router.get("/practice/{key}")
def show_task(
    request: Request, visitor: AnyVisitor, session: Db, key: str, attempt: str | None = None
) -> Response:
    """A task with the visitor's attempts, their feedback, and what became of what was handed in."""
    services: Services = request.app.state.services
    task = find_task(services, session, visitor, key)
    view = task_page_view(session, visitor, task, attempt, translator_of(request))
    return render_page(request, "practice/task.html", attempt_key=new_id(), **view)


@router.post("/practice/{key}/attempts")
def check_answer(
    request: Request,
    visitor: AnyVisitor,
    key: str,
    response: Annotated[str, Form()] = "",
    attempt_key: Annotated[str, Form()] = "",
) -> Response:
    """Checks an answer and shows it with its feedback. The same form sent twice is one attempt."""
    limit.hit(visitor.user_id)
    refuse_anonymous(visitor)
    attempt = check_response(request.app.state.services, visitor, key, response, attempt_key)
    return RedirectResponse(f"/practice/{attempt.task_key}?attempt={attempt.id}#feedback", 303)


@router.post("/practice/attempts/{attempt_id}/submit")
def hand_in(request: Request, visitor: AnyVisitor, session: Db, attempt_id: str) -> Response:
    """Puts an attempt before the instructor."""
    refuse_anonymous(visitor)
    refuse_unless_learner(visitor)
    attempt = access_attempt(session, visitor, attempt_id)
    find_task(request.app.state.services, session, visitor, attempt.task_key)
    submit_attempt(session, visitor, attempt, access_task_version(session, visitor, attempt.task_id))
    return RedirectResponse(f"/practice/{attempt.task_key}#feedback", 303)
