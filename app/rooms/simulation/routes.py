"""Pages of simulations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from app.coach.simulation.own_situation import LONGEST, clean_situation
from app.course.access import AnyVisitor, refuse_anonymous
from app.course.scenarios import access_scenario
from app.course.services import Services
from app.kit.db import Db
from app.kit.ids import new_id
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.simulation.playing import correct, has_model, say, stop
from app.rooms.simulation.runs import (
    BRANCHING,
    OPEN,
    access_run,
    access_situation,
    delete_situation,
    record_retry,
    record_run,
    record_situation,
)
from app.rooms.simulation.views import debrief_view, list_view, run_view, situation_view, start_view

router = APIRouter()
speaking = RateLimit(per_minute=20)
beginning = RateLimit(per_minute=20)
Key = Annotated[str, Form(max_length=64)]


@router.get("/simulation")
def list_simulations(request: Request, visitor: AnyVisitor, session: Db) -> Response:
    """The scenarios of this activity's content, and the visitor's own situations."""
    view = list_view(request.app.state.services, session, visitor, translator_of(request))
    return render_page(request, "simulation/list.html", **view)


@router.get("/simulation/scenarios/{scenario}")
def show_scenario(request: Request, visitor: AnyVisitor, session: Db, scenario: str) -> Response:
    """A scenario before it begins: where, who, what good looks like."""
    services: Services = request.app.state.services
    row = access_scenario(services, session, visitor, scenario)
    view = start_view(services, session, visitor, row, translator_of(request))
    return render_page(request, "simulation/start.html", run_key=new_id(), **view)


@router.post("/simulation/scenarios/{scenario}/runs")
def begin(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    scenario: str,
    run_key: Key = "",
    engine: Annotated[str, Form(max_length=20)] = BRANCHING,
) -> Response:
    """Begins a conversation."""
    beginning.hit(visitor.user_id)
    refuse_anonymous(visitor)
    services: Services = request.app.state.services
    row = access_scenario(services, session, visitor, scenario)
    chosen = OPEN if engine == OPEN and has_model(services) else BRANCHING
    run = record_run(session, visitor, run_key, engine=chosen, scenario=row)
    return _to_run(run.id)


@router.get("/simulation/own")
def describe(request: Request, visitor: AnyVisitor) -> Response:
    """Three questions about a situation of the visitor's own."""
    has = has_model(request.app.state.services)
    return render_page(
        request, "simulation/describe.html", situation_key=new_id(), longest=LONGEST, has_model=has
    )


@router.post("/simulation/own")
def keep_situation(
    visitor: AnyVisitor,
    session: Db,
    situation_key: Key = "",
    who: Annotated[str, Form()] = "",
    opening: Annotated[str, Form()] = "",
    hard: Annotated[str, Form()] = "",
    wants: Annotated[str, Form()] = "",
) -> Response:
    """Keeps the situation and begins the conversation."""
    beginning.hit(visitor.user_id)
    refuse_anonymous(visitor)
    words = clean_situation(who, opening, hard, wants, visitor.locale)
    row = record_situation(session, visitor, words, situation_key)
    run = record_run(session, visitor, f"first-{row.id}", engine=OPEN, situation=row)
    return _to_run(run.id)


@router.get("/simulation/own/{situation_id}")
def show_situation(request: Request, visitor: AnyVisitor, session: Db, situation_id: str) -> Response:
    """The visitor's own situation, to play again or to delete."""
    row = access_situation(session, visitor, situation_id)
    view = situation_view(request.app.state.services, session, visitor, row)
    return render_page(request, "simulation/own.html", run_key=new_id(), **view)


@router.post("/simulation/own/{situation_id}/runs")
def begin_own(visitor: AnyVisitor, session: Db, situation_id: str, run_key: Key = "") -> Response:
    """Begins a conversation about the visitor's own situation."""
    beginning.hit(visitor.user_id)
    row = access_situation(session, visitor, situation_id)
    return _to_run(record_run(session, visitor, run_key, engine=OPEN, situation=row).id)


@router.post("/simulation/own/{situation_id}/delete")
def delete_own(visitor: AnyVisitor, session: Db, situation_id: str) -> Response:
    """Deletes the visitor's own situation with all conversations about it."""
    delete_situation(session, visitor, situation_id)
    return RedirectResponse("/simulation", 303)


@router.get("/simulation/runs/{run_id}")
def show_run(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    run_id: str,
    choices: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """A conversation as it stands, or the look back at one that is over."""
    services: Services = request.app.state.services
    state = access_run(session, visitor, run_id)
    if state.is_over:
        return render_page(
            request, "simulation/debrief.html", run_key=new_id(), **debrief_view(services, state)
        )
    view = run_view(services, state, wants_choices=bool(choices))
    return render_page(request, "simulation/play.html", turn_key=new_id(), **view)


@router.post("/simulation/runs/{run_id}/turns")
async def take_turn(
    request: Request,
    visitor: AnyVisitor,
    run_id: str,
    said: Annotated[str, Form()] = "",
    pick: Annotated[str, Form(max_length=100)] = "",
    position: Annotated[int, Form(ge=1, le=100)] = 1,
    turn_key: Key = "",
) -> Response:
    """The learner says something."""
    speaking.hit(visitor.user_id)
    await say(
        request.app.state.services,
        visitor,
        run_id,
        text=said,
        choice=pick,
        position=position,
        key=turn_key,
    )
    return _to_run(run_id)


@router.post("/simulation/runs/{run_id}/correct")
async def correct_turn(
    request: Request,
    visitor: AnyVisitor,
    run_id: str,
    pick: Annotated[str, Form(max_length=100)] = "",
    position: Annotated[int, Form(ge=1, le=100)] = 1,
    turn_key: Key = "",
) -> Response:
    """The learner's last words were taken for something that they did not mean."""
    speaking.hit(visitor.user_id)
    await correct(request.app.state.services, visitor, run_id, choice=pick, position=position, key=turn_key)
    return _to_run(run_id)


@router.post("/simulation/runs/{run_id}/stop")
async def stop_run(request: Request, visitor: AnyVisitor, run_id: str, turn_key: Key = "") -> Response:
    """The learner ends the conversation and looks back."""
    await stop(request.app.state.services, visitor, run_id, key=turn_key)
    return _to_run(run_id)


@router.post("/simulation/runs/{run_id}/retry")
def retry(
    visitor: AnyVisitor,
    session: Db,
    run_id: str,
    position: Annotated[int, Form(ge=1, le=100)] = 1,
    run_key: Key = "",
) -> Response:
    """A new conversation that begins at a turn of this one."""
    beginning.hit(visitor.user_id)
    state = access_run(session, visitor, run_id)
    return _to_run(record_retry(session, visitor, state, position, run_key).id)


def _to_run(run_id: str) -> Response:
    return RedirectResponse(f"/simulation/runs/{run_id}", 303)
