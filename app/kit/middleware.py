"""Around each request: its reference, the same-origin rule for writes, a bound on its body, the security headers, one log line.

Pure ASGI, so that a streamed answer passes through as it is made.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.errors import BodyTooLarge, FileTooLarge, ForeignOrigin, WorksideError
from app.kit.headers import security_headers
from app.kit.ids import new_id
from app.kit.log import get_logger
from app.kit.metrics import REQUEST_SECONDS, REQUESTS
from app.kit.origin import is_foreign_write
from app.kit.pages import render_error

log = get_logger("web")

MAX_BODY_BYTES = 1 << 20
_FORM_BYTES = 1 << 14  # what a form has around its file
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static"})


class RequestFrame:
    """The outermost layer of ours. `uploads`: path template -> bytes of the one file that may be sent there."""

    def __init__(self, app: ASGIApp, uploads: Mapping[str, int] | None = None) -> None:
        self.app = app
        self._uploads = [(compile_path(path)[0], size) for path, size in (uploads or {}).items()]

    def _bound(self, request: Request) -> tuple[int, WorksideError]:
        """How long the request's body may be, and what is said of a longer one: where a file may come, a form with one has its
        own limit, and everything else the usual."""
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            for path, size in self._uploads:
                if path.match(request.scope["path"]):
                    return size + _FORM_BYTES, FileTooLarge(size)
        return MAX_BODY_BYTES, BodyTooLarge()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope)
        request.state.reference = new_id()[-12:]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(reference=request.state.reference)
        status = 500
        most, too_large = self._bound(request)
        bounded = _Bounded(receive, most)

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in security_headers(request).items():
                    headers.setdefault(name, value)
            await send(message)

        refused: WorksideError | None = None
        if is_foreign_write(request):
            refused = ForeignOrigin()
        elif _declared_length(request) > most:
            refused = too_large

        has_begun = False

        async def send_unless_over(message: Message) -> None:
            nonlocal has_begun
            if has_begun or not bounded.is_over:
                has_begun = True
                await send_framed(message)

        try:
            if refused is None:
                try:
                    await self.app(scope, bounded, send_unless_over)
                except Exception:
                    if not bounded.is_over:
                        raise
                refused = too_large if bounded.is_over and not has_begun else None
            if refused is not None:
                await render_error(request, refused)(scope, receive, send_framed)
        finally:
            route = getattr(scope.get("route"), "path", None) or (
                "/static" if scope["path"].startswith("/static/") else "unmatched"
            )
            seconds = time.perf_counter() - began
            REQUESTS.labels(route, scope["method"], str(status)).inc()
            REQUEST_SECONDS.labels(route).observe(seconds)
            if route not in _QUIET:
                log.info(
                    "request", route=route, method=scope["method"], status=status, ms=round(seconds * 1000, 1)
                )


def _declared_length(request: Request) -> int:
    value = request.headers.get("content-length", "0")
    return int(value) if value.isdecimal() else 0


class _Bounded:
    """Ends a body that is longer than it may be (and never said how long it is) as if the client had gone; whatever the
    application makes of that, `is_over` tells what it was."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._taken = 0
        self.is_over = False

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > self._most:
                self.is_over = True
                return {"type": "http.disconnect"}
        return message
