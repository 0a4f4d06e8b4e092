"""A scripted server that speaks OpenAI's interface for chats, streamed and not, over real HTTP on this machine.

    with ChatApi("Use two signatures [p1].") as api:
        models = ChatModels(Settings(_env_file=None, **api.settings), NullMeter())
        ...
        assert "Who signs" in api.requests[0].question

The script says how each request is answered: a text or a Reply for all of them; a list, one for each in turn, of which the last
goes on; or a function of the Request. Replies of every temper have a maker below: slow, cut off, too busy, refusing, empty ...
"""

from __future__ import annotations

import functools
import json
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

_create_context = ssl.create_default_context

KEY = "sk-of-the-tests"
MODEL = "scripted"


@dataclass
class Request:
    """One call as it came. `was_cut`: the caller went away before the answer was whole. `at` is monotonic seconds."""

    path: str
    body: dict[str, Any]
    key: str
    at: float = field(default_factory=time.monotonic)
    was_cut: bool = False
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.body["messages"]

    @property
    def model(self) -> str:
        return self.body["model"]

    @property
    def is_streamed(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def system(self) -> str:
        """The texts of the system's messages."""
        return "\n".join(m["content"] for m in self.messages if m["role"] == "system")

    @property
    def question(self) -> str:
        """The text of the last message of a user."""
        return next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), "")

    @property
    def text(self) -> str:
        """Everything that was sent, as one text."""
        return "\n".join(str(m["content"]) for m in self.messages)

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema that was asked for: as a response format, or as the parameters of a function."""
        if asked := self.body.get("response_format"):
            return asked.get("json_schema", {}).get("schema")
        tools = self.body.get("tools")
        return tools[0]["function"]["parameters"] if tools else None


@dataclass(frozen=True)
class Reply:
    """How one request is answered. Seconds are waited before the first word and between words; `cut_after` counts words.

    `piece`: characters of each piece of the stream; 0 streams words. `ends`: the finish_reason, None leaves it
    out. `counts`: whether usage is told. `body` replaces the whole answer.
    """

    text: str | Callable[[Request], str] = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""
    first_word_seconds: float = 0.0
    between_seconds: float = 0.0
    cut_after: int | None = None
    ends: str | None = "stop"
    counts: bool = True
    body: bytes | None = None
    hangs: bool = False
    piece: int = 0

    def pieces(self, text: str) -> list[str]:
        """The text as it is streamed."""
        if self.piece:
            return [text[at : at + self.piece] for at in range(0, len(text), self.piece)]
        return _words(text)


Script = str | Reply | Sequence["str | Reply"] | Callable[[Request], "str | Reply"]


def says(text: str | Callable[[Request], str], **how: Any) -> Reply:
    """A well-behaved answer; `text` may be a function of the request."""
    return Reply(text, **how)


def slow_to_begin(text: str, seconds: float) -> Reply:
    return Reply(text, first_word_seconds=seconds)


def slow_between(text: str, seconds: float) -> Reply:
    return Reply(text, between_seconds=seconds)


def cut_off(text: str, after: int) -> Reply:
    """The connection breaks after so many words."""
    return Reply(text, cut_after=after)


def ends_early(text: str) -> Reply:
    """The stream ends in good order, and nothing says that the answer is whole."""
    return Reply(text, ends=None)


def out_of_words(text: str) -> Reply:
    """It ended because the limit of tokens was reached."""
    return Reply(text, ends="length")


def too_many(retry_after: float | None = None) -> Reply:
    headers = () if retry_after is None else (("Retry-After", f"{retry_after:g}"),)
    return Reply(status=429, headers=headers, code="rate_limit_exceeded")


def broken(status: int = 500) -> Reply:
    return Reply(status=status, code="server_error")


def wrong_key() -> Reply:
    return Reply(status=401, code="invalid_api_key")


def unknown_model() -> Reply:
    return Reply(status=404, code="model_not_found")


def no_credit() -> Reply:
    return Reply(status=429, code="insufficient_quota")


def refused_request(code: str = "invalid_request_error") -> Reply:
    return Reply(status=400, code=code)


def filtered(text: str = "") -> Reply:
    """The provider's content filter ended the answer."""
    return Reply(text, ends="content_filter")


def empty() -> Reply:
    return Reply("")


def not_the_interface() -> Reply:
    """A page instead of an answer, as a wrong address gives."""
    return Reply(body=b"<!doctype html><title>It works</title>", headers=(("Content-Type", "text/html"),))


def broken_json() -> Reply:
    """A stream whose events are no JSON."""
    return Reply(
        body=b'data: {"choices": [\n\ndata: oh\n\n', headers=(("Content-Type", "text/event-stream"),)
    )


def hangs() -> Reply:
    """The connection is taken and nothing ever comes."""
    return Reply(hangs=True)


class _Gone(Exception):
    """The caller or the server went away."""


class ChatApi:
    """The server, in threads of its own. `takes_schemas=False`: it answers 400 to a response format, as simple servers do."""

    def __init__(
        self, script: Script = "Fine.", *, key: str = KEY, model: str = MODEL, takes_schemas: bool = True
    ) -> None:
        self.script = script
        self.key = key
        self.model = model
        self.takes_schemas = takes_schemas
        self.requests: list[Request] = []
        self.hits = 0  # requests of any kind, at any address
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._answered = 0
        api = self

        # Every client reads all certificates of the machine first, which takes longer than most conversations here.
        self._tls = mock.patch("ssl.create_default_context", _one_context)

        class Handler(_Handler):
            chat = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> ChatApi:
        self._thread.start()
        self._tls.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tls.stop()
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Base address, as WORKSIDE_MODEL_URL takes it."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def settings(self) -> dict[str, Any]:
        """Settings under which Workside asks this server."""
        return {"model": f"openai:{self.model}", "model_url": self.url, "model_key": self.key}

    def reply_to(self, request: Request) -> Reply:
        """What the script says to a request; requests are noted in the order in which they are answered."""
        with self._lock:
            self.requests.append(request)
            number, self._answered = self._answered, self._answered + 1
            script = self.script
        if callable(script):
            said = script(request)
        elif isinstance(script, (str, Reply)):
            said = script
        else:
            said = script[min(number, len(script) - 1)]
        return Reply(said) if isinstance(said, str) else said


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, so that a connection is kept and a stream that breaks is seen to have broken."""

    chat: ChatApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `requests`."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            """The caller dropped the connection that was kept."""

    def do_GET(self) -> None:
        self.chat.hits += 1
        self._send(200, {"object": "list", "data": [{"id": self.chat.model, "object": "model"}]})

    def do_POST(self) -> None:
        self.chat.hits += 1
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": "no such address", "code": "unknown_url"}})
            return
        body = json.loads(sent)
        request = Request(self.path, body, self.headers.get("Authorization", "").removeprefix("Bearer "))
        reply = self.chat.reply_to(request)
        try:
            self._answer(request, reply)
        except (_Gone, OSError):
            request.was_cut = True
            self.close_connection = True
        finally:
            request.is_over.set()

    def _answer(self, request: Request, reply: Reply) -> None:
        if request.key != self.chat.key:
            self._refuse(401, "invalid_api_key")
        elif request.body.get("response_format") and not self.chat.takes_schemas:
            self._refuse(400, "unsupported_response_format")
        elif reply.hangs:
            self._pause(3600)
        elif reply.status != 200:
            self._pause(reply.first_word_seconds)
            self._refuse(reply.status, reply.code, reply.headers)
        elif reply.body is not None:
            self._send_bytes(200, reply.body, reply.headers)
        else:
            text = reply.text(request) if callable(reply.text) else reply.text
            answer = self._stream if request.is_streamed else self._whole
            answer(request, reply, text)

    # --- forms of an answer -----------------------------------------------------------------------------------------

    def _whole(self, request: Request, reply: Reply, text: str) -> None:
        self._pause(reply.first_word_seconds + reply.between_seconds * max(0, len(_words(text)) - 1))
        if reply.cut_after is not None:
            raise _Gone
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if request.body.get("tools"):
            name = request.body["tools"][0]["function"]["name"]
            call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        answer = self._frame(request, "chat.completion")
        answer["choices"] = [{"index": 0, "message": message, "finish_reason": reply.ends}]
        if reply.counts:
            answer["usage"] = _usage(request, text)
        self._send(200, answer)

    def _stream(self, request: Request, reply: Reply, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._event(request, {"role": "assistant", "content": ""})
        self._pause(reply.first_word_seconds)
        for number, word in enumerate(reply.pieces(text)):
            if number:
                self._pause(reply.between_seconds)
            if number == reply.cut_after:
                raise _Gone
            self._event(request, {"content": word})
        if reply.ends is not None:
            self._event(request, {}, reply.ends)
        if reply.counts and request.body.get("stream_options", {}).get("include_usage"):
            self._data(
                self._frame(request, "chat.completion.chunk")
                | {"choices": [], "usage": _usage(request, text)}
            )
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, request: Request, delta: dict[str, Any], ends: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": ends}
        self._data(self._frame(request, "chat.completion.chunk") | {"choices": [choice]})

    def _frame(self, request: Request, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": request.model}

    def _refuse(self, status: int, code: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        # Real servers repeat a part of what they were sent in such a message; ours always does.
        sent = self.chat.requests[-1].text[:200]
        self._send(status, {"error": {"message": f"refused: {sent}", "type": code, "code": code}}, headers)

    # --- the wire ---------------------------------------------------------------------------------------------------

    def _data(self, value: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()
        self._look_for_caller(0)

    def _send(self, status: int, value: dict[str, Any], headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._send_bytes(status, json.dumps(value).encode(), (*headers, ("Content-Type", "application/json")))

    def _send_bytes(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _pause(self, seconds: float) -> None:
        """Waits; raises _Gone as soon as the caller or the server goes away."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._look_for_caller(min(left, 0.02))

    def _look_for_caller(self, seconds: float) -> None:
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if self.chat.closing.is_set() or (readable and not self.connection.recv(1, socket.MSG_PEEK)):
            raise _Gone


@functools.cache
def _one_context(*args: Any, **how: Any) -> ssl.SSLContext:
    return _create_context(*args, **how)


def _words(text: str) -> list[str]:
    """The text in the pieces in which it is streamed: words with the space before them."""
    return re.findall(r"\s*\S+", text)


def _usage(request: Request, text: str) -> dict[str, int]:
    """Words stand for tokens, so that tests can count them."""
    read, written = len(_words(request.text)), len(_words(text))
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
