"""Pages and streams of Ask."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.coach.answering import answer_question
from app.coach.answers import Answer, Progress
from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.course.access import AnyVisitor, Visitor
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.db import Db
from app.kit.errors import N_, WorksideError
from app.kit.limits import RateLimit
from app.kit.log import get_logger
from app.kit.metrics import ANSWERS, QUESTIONS
from app.kit.pages import render_fragment, render_page, translator_of
from app.rooms.ask.conversations import (
    access_conversation,
    clean_question,
    exchange_before,
    latest_conversation,
    turns_of,
)
from app.rooms.ask.home import due_for, starters_for
from app.rooms.ask.sources import passage_view, source_view
from app.rooms.ask.turns import record_turn, turn_view, unkept_turn

router = APIRouter()
log = get_logger("ask")
limit = RateLimit(per_minute=30)

STAGES = {
    "searching": N_("Looking in the course documents"),
    "writing": N_("Putting the answer together"),
}


@router.get("/")
def show_home(request: Request, visitor: AnyVisitor, session: Db) -> Response:
    """Home: the question, what is due, starters, and the conversation so far."""
    services: Services = request.app.state.services
    conversation = latest_conversation(session, visitor)
    turns = turns_of(session, conversation) if conversation else []
    return render_page(
        request,
        "ask/home.html",
        starters=starters_for(services, session, visitor),
        due=due_for(request, session, visitor),
        turns=[turn_view(turn) for turn in turns],
        conversation_id=conversation.id if conversation else "",
    )


@router.post("/ask/turns")
def ask(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    question: Annotated[str, Form()] = "",
    conversation_id: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """Answers as a stream of events (progress, opened, part ..., done | failed). Refusals before the stream are plain errors."""
    limit.hit(visitor.user_id)
    text = clean_question(question)
    if conversation_id:
        access_conversation(session, visitor, conversation_id)
    return EventSourceResponse(
        _stream(request, visitor, conversation_id, text), headers={"X-Accel-Buffering": "no"}
    )


async def _stream(
    request: Request, visitor: Visitor, conversation_id: str, question: str
) -> AsyncIterator[ServerSentEvent]:
    services: Services = request.app.state.services
    translate = translator_of(request)
    QUESTIONS.inc()
    try:
        scope = await run_in_threadpool(coach_scope, services.retrieval, visitor)
        earlier = await run_in_threadpool(exchange_before, services, visitor, conversation_id)
        payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
        answer: Answer | None = None
        async for step in answer_question(
            coach_of(services), question, scope, payer, earlier=earlier, locale=visitor.locale
        ):
            if isinstance(step, Progress):
                yield _event("progress", text=translate(STAGES[step.stage]))
            elif isinstance(step, Answer):
                answer = step
        assert answer is not None
        if visitor.is_anonymous:
            turn = await run_in_threadpool(unkept_turn, services, visitor, question, answer)
        else:
            turn = await run_in_threadpool(record_turn, services, visitor, conversation_id, question, answer)
        view = turn_view(turn)
        yield _event("opened", turn_id=turn.id, conversation_id=turn.conversation_id)
        for sentence in view["sentences"]:
            yield _event("part", html=render_fragment(request, "ask/part.html", sentence=sentence, turn=view))
        ANSWERS.labels(answer.verdict, answer.voice).inc()
        yield _event(
            "done",
            html=render_fragment(request, "ask/turn.html", turn=view),
            announce=translate("Not covered here") if answer.verdict == "not_covered" else answer.text,
        )
    except WorksideError as error:
        yield _event("failed", title=translate(error.title), advice=translate(error.advice))
    except Exception as error:
        # The stream has begun, so that no error page can follow: the visitor is told in it, and the operator in the log.
        log.error("answer_failed", kind=type(error).__name__, exc_info=error)
        failed = WorksideError()
        yield _event("failed", title=translate(failed.title), advice=translate(failed.advice))


def _event(name: str, **data: Any) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(data, ensure_ascii=False), event=name)


@router.get("/sources/passages/{passage_id}")
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


@router.get("/sources/{turn_id}/{mark}")
def show_source(request: Request, visitor: AnyVisitor, session: Db, turn_id: str, mark: str) -> Response:
    """A citation's place in its document, with the cited words marked."""
    view = source_view(request.app.state.services, session, visitor, turn_id, mark)
    return render_page(request, "ask/source.html", **view)
