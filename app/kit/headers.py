"""The headers of every response, and who may frame a page."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response


def content_security_policy(frame_ancestors: Iterable[str]) -> str:
    """The policy of a page: our own scripts and styles only, no foreign request, framed only by the origins given."""
    ancestors = " ".join(sorted(frame_ancestors)) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )


def set_security_headers(request: Request, response: Response) -> None:
    """Adds what every response carries. A route that framed pages need names its origins in request.state.frame_ancestors."""
    ancestors = getattr(request.state, "frame_ancestors", ())
    response.headers.setdefault("Content-Security-Policy", content_security_policy(ancestors))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if not request.url.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
