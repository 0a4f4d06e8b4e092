"""What a follower of an answer is told, as server-sent events in the visitor's language."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.course.access import Visitor
from app.course.services import Services
from app.kit.errors import N_, WorksideError
from app.kit.i18n import Translator
from app.kit.log import get_logger
from app.kit.pages import render_fragment, translator_of
from app.rooms.ask.ladder import announcement
from app.rooms.ask.live import Event, live_answers_of
from app.rooms.ask.models import FAILED, STOPPED, Turn
from app.rooms.ask.turns import turn_views

log = get_logger("ask")

STAGES = {
    "searching": N_("Looking in the course documents"),
    "writing": N_("Putting the answer together"),
}


def stream_turn(request: Request, visitor: Visitor, turn_id: str, last_id: str = "") -> EventSourceResponse:
    """The turn as a stream: opened, progress, draft, part, void, and last done or failed. It resumes after `last_id`."""
    return EventSourceResponse(_told(request, visitor, turn_id, last_id), headers={"X-Accel-Buffering": "no"})


async def _told(
    request: Request, visitor: Visitor, turn_id: str, last_id: str
) -> AsyncIterator[ServerSentEvent]:
    services: Services = request.app.state.services
    try:
        async with aclosing(live_answers_of(services).follow(visitor, turn_id, last_id)) as events:
            async for event in events:
                data = await _data_of(request, visitor, event)
                yield ServerSentEvent(
                    json.dumps(data, ensure_ascii=False), event=event.name, id=event.id or None
                )
    except WorksideError as error:
        yield _failed(request, error)
    except Exception as error:
        # The stream has begun, so that no error page can follow: the visitor is told in it, and the operator in the log.
        log.error("stream_failed", kind=type(error).__name__, exc_info=error)
        yield _failed(request, WorksideError())


def _failed(request: Request, error: WorksideError) -> ServerSentEvent:
    translate = translator_of(request)
    words = {"title": translate(error.title), "advice": translate(error.advice)}
    return ServerSentEvent(json.dumps(words, ensure_ascii=False), event="failed")


async def _data_of(request: Request, visitor: Visitor, event: Event) -> dict[str, Any]:
    match event.name:
        case "progress":
            return {"text": translator_of(request)(STAGES[event.data["stage"]])}
        case "opened":
            turn: Turn = event.data["turn"]
            return {"turn_id": turn.id, "conversation_id": turn.conversation_id}
        case "part" if event.data["sentence"] is None:
            return {"html": ""}
        case "part":
            return {"html": render_fragment(request, "ask/part.html", sentence=event.data["sentence"])}
        case "done":
            return await run_in_threadpool(_whole, request, visitor, event.data["turn"])
        case _:
            return dict(event.data)


def _whole(request: Request, visitor: Visitor, turn: Turn) -> dict[str, str]:
    """The finished turn's HTML, and the one thing that a screen reader says of it."""
    translate = translator_of(request)
    with request.app.state.database.read() as session:
        (view,) = turn_views(session, visitor, [turn], translate)
    return {
        "html": render_fragment(request, "ask/turn.html", turn=view),
        "announce": announcement_of(view, translate),
    }


def announcement_of(view: dict[str, Any], translate: Translator) -> str:
    """What is said of a turn that is over: its sentences, or that there are none and why."""
    if view["hints"]:
        return announcement(view)
    if view["state"] == STOPPED:
        return translate("You stopped this answer")
    if view["state"] == FAILED:
        return translate("The answer did not arrive")
    if view["verdict"] == "not_covered":
        return translate("Not covered here")
    return " ".join(sentence["text"] for sentence in view["sentences"])
