"""Pages and streams of Ask."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Header, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.coach.chat import Payer
from app.coach.spending import spending_note
from app.course.access import AnyVisitor, Visitor
from app.course.services import Services
from app.evidence.under_way import recheck_under_way
from app.kit.db import Db
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.ask import hand_off, learning
from app.rooms.ask.closing import COACH_IS_OPEN
from app.rooms.ask.conversations import (
    SHOWN_TURNS,
    access_conversation,
    clean_question,
    count_turns,
    delete_conversation,
    has_conversations,
    latest_conversation,
    list_conversations,
    rename_conversation,
    turns_of,
)
from app.rooms.ask.export import filename_of, markdown_of
from app.rooms.ask.finding import LONGEST_QUERY
from app.rooms.ask.home import due_for, learning_on_home, starters_for
from app.rooms.ask.live import live_answers_of
from app.rooms.ask.models import Conversation
from app.rooms.ask.sources import passage_view, source_view
from app.rooms.ask.streams import stream_turn
from app.rooms.ask.turns import turn_views

router = APIRouter()
router.include_router(hand_off.router)
router.include_router(learning.router)
asking = RateLimit(per_minute=30)
following = RateLimit(per_minute=120)


@router.get("/")
def show_home(
    request: Request, visitor: AnyVisitor, session: Db, new: Annotated[str, Query(max_length=10)] = ""
) -> Response:
    """Home: the question, what is due, starters, and the conversation that goes on; with `new` the beginning of another one."""
    conversation = None if new else latest_conversation(session, visitor)
    return _render_home(request, visitor, session, conversation)


@router.get("/ask/conversations", dependencies=[COACH_IS_OPEN])
def show_conversations(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    q: Annotated[str, Query(max_length=LONGEST_QUERY)] = "",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> Response:
    """The visitor's conversations in this activity, all or those that say the words looked for."""
    found, has_more = list_conversations(session, visitor, q, page)
    return render_page(
        request, "ask/conversations.html", conversations=found, query=q, page=page, has_more=has_more
    )


@router.get("/ask/conversations/{conversation_id}")
def show_conversation(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    conversation_id: str,
    whole: Annotated[str, Query(alias="all", max_length=10)] = "",
) -> Response:
    """One conversation, to read and to go on with: its last turns, or `all` of them."""
    conversation = access_conversation(session, visitor, conversation_id)
    return _render_home(request, visitor, session, conversation, None if whole else SHOWN_TURNS)


def _render_home(
    request: Request,
    visitor: Visitor,
    session: Session,
    conversation: Conversation | None,
    limit: int | None = SHOWN_TURNS,
) -> Response:
    services: Services = request.app.state.services
    if (recheck := recheck_under_way(session, visitor)) is not None:
        return render_page(request, "ask/closed.html", recheck=recheck)
    turns = turns_of(session, conversation, limit) if conversation else []
    view: dict[str, Any] = {
        "starters": starters_for(services, session, visitor),
        "due": due_for(request, session, visitor),
        "spending": spending_note(
            services,
            Payer(visitor.organisation_id, visitor.context_id, visitor.user_id),
            translator_of(request),
        ),
        "turns": turn_views(session, visitor, turns, translator_of(request)),
        "conversation": conversation,
        "conversation_id": conversation.id if conversation else "",
        "earlier_turns": count_turns(session, conversation) - len(turns) if conversation else 0,
        "has_conversations": has_conversations(session, visitor),
        "export_name": filename_of(conversation) if conversation else "",
    }
    return render_page(request, "ask/home.html", **view, **learning_on_home(services, session, visitor))


@router.post("/ask/conversations/{conversation_id}/title")
def rename(
    visitor: AnyVisitor, session: Db, conversation_id: str, title: Annotated[str, Form()] = ""
) -> Response:
    """Gives the conversation another title."""
    rename_conversation(session, visitor, conversation_id, title)
    return RedirectResponse(f"/ask/conversations/{conversation_id}", 303)


@router.post("/ask/conversations/{conversation_id}/delete")
def delete(request: Request, visitor: AnyVisitor, session: Db, conversation_id: str) -> Response:
    """Deletes the conversation with everything in it; answers that are still being written to it end."""
    turn_ids = delete_conversation(session, visitor, conversation_id)
    live_answers_of(request.app.state.services).forget_deleted(turn_ids)
    return RedirectResponse("/ask/conversations", 303)


@router.get("/ask/conversations/{conversation_id}/export", dependencies=[COACH_IS_OPEN])
def export(request: Request, visitor: AnyVisitor, session: Db, conversation_id: str) -> Response:
    """The conversation as a Markdown file."""
    translate = translator_of(request)
    conversation = access_conversation(session, visitor, conversation_id)
    views = turn_views(session, visitor, turns_of(session, conversation, None), translate)
    return Response(
        markdown_of(conversation, views, translate),
        media_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename_of(conversation))}"},
    )


@router.post("/ask/turns")
async def ask(
    request: Request,
    visitor: AnyVisitor,
    question: Annotated[str, Form()] = "",
    conversation_id: Annotated[str, Form(max_length=32)] = "",
    replaces: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """Answers as a stream of events (opened, progress, draft, part ..., done | failed). Refusals before the stream are plain errors.

    The answer runs on when the stream drops. `replaces` is the turn whose question is asked in other words.
    """
    asking.hit(visitor.user_id)
    turn = await live_answers_of(request.app.state.services).ask(
        visitor, clean_question(question), conversation_id=conversation_id, replaces=replaces
    )
    return stream_turn(request, visitor, turn.id)


@router.get("/ask/turns/{turn_id}/events", dependencies=[COACH_IS_OPEN])
async def resume(
    request: Request,
    visitor: AnyVisitor,
    turn_id: str,
    last_event_id: Annotated[str, Header(max_length=40)] = "",
) -> Response:
    """The stream of a turn again, from after the event that the browser had last; of a whole turn only its end."""
    following.hit(visitor.user_id)
    await live_answers_of(request.app.state.services).access(visitor, turn_id)
    return stream_turn(request, visitor, turn_id, last_event_id)


@router.post("/ask/turns/{turn_id}/stop")
async def stop(request: Request, visitor: AnyVisitor, turn_id: str) -> Response:
    """Ends an answer; its stream then brings what is kept of it. One that is whole already stays as it is."""
    await live_answers_of(request.app.state.services).stop(visitor, turn_id)
    return Response(status_code=204)


@router.get("/sources/passages/{passage_id}", dependencies=[COACH_IS_OPEN])
def show_passage(
    request: Request,
    visitor: AnyVisitor,
    passage_id: str,
    start: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
    end: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
) -> Response:
    """A place in a document of the visit's own content: where the citation of an answer that was not kept leads."""
    view = passage_view(request.app.state.services, visitor, passage_id, start, end)
    return render_page(request, "ask/source.html", **view)


@router.get("/sources/{turn_id}/{mark}", dependencies=[COACH_IS_OPEN])
def show_source(request: Request, visitor: AnyVisitor, session: Db, turn_id: str, mark: str) -> Response:
    """A citation's place in its document, with the cited words marked."""
    view = source_view(request.app.state.services, session, visitor, turn_id, mark)
    return render_page(request, "ask/source.html", **view)
