"""Routes of learning on Ask: the way of helping, the next hint, what came of an answer, and ready prompts of one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.coach.helping import choose_mode
from app.coach.ready_prompts import (
    change_own_prompt,
    own_prompts,
    record_own_prompt,
    remove_own_prompt,
)
from app.course.access import AnyVisitor, Visitor, refuse_anonymous
from app.course.services import Services
from app.evidence.under_way import refuse_in_recheck
from app.kit.db import Db
from app.kit.limits import RateLimit
from app.kit.pages import render_fragment, render_page, translator_of
from app.rooms.ask.after import explained, record_explained, record_unblocked
from app.rooms.ask.closing import COACH_IS_OPEN
from app.rooms.ask.conversations import access_turn
from app.rooms.ask.ladder import raise_hint
from app.rooms.ask.models import Turn
from app.rooms.ask.turns import turn_views

router = APIRouter()
explaining = RateLimit(per_minute=10)


@router.post("/ask/mode")
def choose(visitor: AnyVisitor, session: Db, mode: Annotated[str, Form()] = "") -> Response:
    """The visitor's own way of being helped, where the instructor lets learners choose."""
    choose_mode(session, visitor, mode)
    return RedirectResponse("/", 303)


@router.post("/ask/turns/{turn_id}/hint")
def show_more(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    turn_id: str,
    seen: Annotated[int, Form(ge=0, le=9)] = 0,
) -> Response:
    """The turn one hint further than `seen`, as a fragment."""
    turn = access_turn(session, visitor, turn_id)
    refuse_in_recheck(session, visitor)
    raise_hint(session, visitor, turn, seen)
    return _turn(request, session, visitor, turn)


@router.post("/ask/turns/{turn_id}/unblocked", dependencies=[COACH_IS_OPEN])
def say_unblocked(
    request: Request, visitor: AnyVisitor, session: Db, turn_id: str, answer: Annotated[str, Form()] = ""
) -> Response:
    """Keeps whether the answer unblocked the person. Who asks a person instead does so by the form for it."""
    turn = access_turn(session, visitor, turn_id)
    record_unblocked(session, visitor, turn, answer)
    return _turn(request, session, visitor, turn)


@router.post("/ask/turns/{turn_id}/explain-back", dependencies=[COACH_IS_OPEN])
async def explain_back(
    request: Request,
    visitor: AnyVisitor,
    turn_id: str,
    reply: Annotated[str, Form()] = "",
    skip: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Feedback on the learner's own words, or the question skipped; the turn as a fragment."""
    services: Services = request.app.state.services
    turn = await run_in_threadpool(_own_turn, services, visitor, turn_id)
    if skip:
        kept = {"skipped": True}
    else:
        explaining.hit(visitor.user_id)
        kept = await explained(services, visitor, turn, reply, translator_of(request))

    def keep() -> Response:
        with services.database.write() as session:
            own = access_turn(session, visitor, turn_id)
            record_explained(session, visitor, own, kept)
            session.flush()
            return _turn(request, session, visitor, own)

    return await run_in_threadpool(keep)


@router.get("/ask/prompts")
def show_prompts(
    request: Request, visitor: AnyVisitor, session: Db, turn: Annotated[str, Query(max_length=32)] = ""
) -> Response:
    """The visitor's own ready prompts, and a new one, which may begin as the question of a turn."""
    refuse_anonymous(visitor)
    question = access_turn(session, visitor, turn).question if turn else ""
    return render_page(
        request,
        "ask/own_prompts.html",
        prompts=[prompt.as_view() for prompt in own_prompts(session, visitor)],
        draft=" ".join(question.split()),
    )


@router.post("/ask/prompts")
def add_prompt(visitor: AnyVisitor, session: Db, text: Annotated[str, Form()] = "") -> Response:
    """Keeps a ready prompt for the visitor."""
    record_own_prompt(session, visitor, text)
    return RedirectResponse("/ask/prompts", 303)


@router.post("/ask/prompts/{prompt_id}")
def change_prompt(
    visitor: AnyVisitor, session: Db, prompt_id: str, text: Annotated[str, Form()] = ""
) -> Response:
    """Gives the visitor's own prompt other words."""
    change_own_prompt(session, visitor, prompt_id, text)
    return RedirectResponse("/ask/prompts", 303)


@router.post("/ask/prompts/{prompt_id}/delete")
def delete_prompt(visitor: AnyVisitor, session: Db, prompt_id: str) -> Response:
    """Deletes the visitor's own prompt."""
    remove_own_prompt(session, visitor, prompt_id)
    return RedirectResponse("/ask/prompts", 303)


def _own_turn(services: Services, visitor: Visitor, turn_id: str) -> Turn:
    with services.database.read() as session:
        return access_turn(session, visitor, turn_id)


def _turn(request: Request, session: Session, visitor: Visitor, turn: Turn) -> Response:
    (view,) = turn_views(session, visitor, [turn], translator_of(request))
    return HTMLResponse(render_fragment(request, "ask/turn.html", turn=view))
