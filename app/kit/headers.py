"""The headers of every response, and who may frame a page."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request


def content_security_policy(frame_ancestors: Iterable[str]) -> str:
    """The policy of a page: our own scripts and styles only, no foreign request, framed only by the origins given."""
    ancestors = " ".join(sorted(frame_ancestors)) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )


def security_headers(request: Request) -> dict[str, str]:
    """What every response carries unless it says otherwise. A route that may be framed names the origins in
    `request.state.frame_ancestors`; there is no X-Frame-Options, which cannot name an origin."""
    headers = {
        "Content-Security-Policy": content_security_policy(getattr(request.state, "frame_ancestors", ())),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if request.url.path.startswith("/static/"):
        # A sandboxed frame has the origin "null": without these two it could load neither the login page's script nor its
        # style, and the way out (a new window) would never be shown. Static files are the same for everybody.
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Cache-Control"] = "no-cache"  # asked for again by ETag
    else:
        headers["Cache-Control"] = "no-store"
    return headers
