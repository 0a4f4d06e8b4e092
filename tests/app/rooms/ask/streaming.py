"""Connections to answers under way: opened, read event by event and cut, in one event loop as in the server.

Answers are scripted: a gate in a script holds the answer until the test opens it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from app.coach.answering import answer_question
from app.coach.answers import Answer, Step
from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.course.access import Visitor
from app.course.scope import coach_scope
from app.rooms.ask.models import Turn
from tests.app.rooms.campus import TOOL, Campus, Visit

PATIENCE_SECONDS = 20

Script = list[Step | asyncio.Event | Exception]


class Connection:
    """One request over ASGI whose answer is read as it comes; `cut` is the browser that has gone."""

    def __init__(
        self, campus: Campus, visit: Visit, path: str, form: dict[str, str] | None = None, last_id: str = ""
    ) -> None:
        headers = visit.headers | {"Origin": TOOL, "Accept": "text/event-stream", "Host": "localhost:8000"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        body = b""
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        url = urlsplit(path)
        self._scope = {
            "type": "http",
            "http_version": "1.1",
            "asgi": {"version": "3.0"},
            "method": "GET" if form is None else "POST",
            "scheme": "http",
            "server": ("localhost", 8000),
            "client": ("127.0.0.1", 1),
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self._app = campus.app
        self._requests = asyncio.Queue[dict[str, Any]]()
        self._requests.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self._chunks = asyncio.Queue[bytes | None]()
        self._rest = ""
        self.status = 0
        self.last_id = ""
        self.seen: list[tuple[str, dict[str, Any]]] = []

    async def __aenter__(self) -> Connection:
        self._task = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def _serve(self) -> None:
        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            elif message["type"] == "http.response.body":
                self._chunks.put_nowait(message.get("body", b""))

        try:
            await self._app(self._scope, self._requests.get, send)
        finally:
            self._chunks.put_nowait(None)

    async def cut(self) -> None:
        """The browser is gone."""
        self._requests.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(self._task, PATIENCE_SECONDS)

    async def read(self, until: str = "") -> list[tuple[str, dict[str, Any]]]:
        """The events up to the first of that name, or all to the end; each is read once."""
        found = []
        while True:
            while (block := self._next_block()) is not None:
                event = _event_of(block)
                if event is None:
                    continue
                name, data, last_id = event
                self.last_id = last_id or self.last_id
                found.append((name, data))
                self.seen.append((name, data))
                if name == until:
                    return found
            chunk = await asyncio.wait_for(self._chunks.get(), PATIENCE_SECONDS)
            if chunk is None:
                assert not until, f"the stream ended before {until}: {[name for name, _ in self.seen]}"
                return found
            self._rest += chunk.decode()

    def _next_block(self) -> str | None:
        self._rest = self._rest.replace("\r\n", "\n")
        block, end, rest = self._rest.partition("\n\n")
        if not end:
            return None
        self._rest = rest
        return block


def _event_of(block: str) -> tuple[str, dict[str, Any], str] | None:
    lines = dict(
        line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":")
    )
    return (lines["event"], json.loads(lines["data"]), lines.get("id", "")) if "event" in lines else None


def ask(campus: Campus, visit: Visit, question: str, **form: str) -> Connection:
    """The connection of a question."""
    return Connection(campus, visit, "/ask/turns", {"question": question, **form})


def resume(campus: Campus, visit: Visit, turn_id: str, last_id: str = "") -> Connection:
    """A connection that takes a turn up again."""
    return Connection(campus, visit, f"/ask/turns/{turn_id}/events", last_id=last_id)


async def post(campus: Campus, visit: Visit, path: str) -> int:
    """A small request in the same loop; returns its status."""
    async with Connection(campus, visit, path, {}) as connection:
        await connection.read()
        return connection.status


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a test's scenario in one event loop, and ends its answers as the server does."""
    asyncio.run(asyncio.wait_for(scenario(), 3 * PATIENCE_SECONDS))


def answer_to(campus: Campus, visitor: Visitor, question: str) -> Answer:
    """A real answer, to take apart."""

    async def last() -> Answer:
        coach = coach_of(campus.services)
        scope = coach_scope(coach.retrieval, visitor)
        payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
        async for step in answer_question(coach, question, scope, payer):
            if isinstance(step, Answer):
                return step
        raise AssertionError

    return asyncio.run(last())


def play(monkeypatch: pytest.MonkeyPatch, *scripts: Script) -> list[str]:
    """Each question is answered by the next script, the last one again and again; returns the questions as they are asked."""
    asked: list[str] = []

    async def scripted(_coach: object, question: str, *_: object, **_named: object) -> AsyncIterator[Step]:
        script = scripts[min(len(asked), len(scripts) - 1)]
        asked.append(question)
        for step in script:
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                yield step

    monkeypatch.setattr("app.rooms.ask.live.answer_question", scripted)
    return asked


def turn_of(campus: Campus, turn_id: str) -> Turn:
    """The turn's row."""
    with campus.services.database.read() as session:
        return session.get_one(Turn, turn_id)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something that another task does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)
