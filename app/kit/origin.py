"""Writes need our own origin (token-free CSRF defence). LTI's own routes are posted to by platforms and prove themselves otherwise."""

from __future__ import annotations

from starlette.requests import Request

# What platforms post to: the login and the launch carry a state and a signature of their own.
CROSS_SITE_PATHS = frozenset({"/lti/login", "/lti/launch"})


def is_foreign_write(request: Request) -> bool:
    """Whether a request that changes something comes from another origin than ours.

    Browsers send Sec-Fetch-Site or Origin with every POST; where neither is there it is no browser, and holds a bearer or
    nothing at all.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"} or request.url.path in CROSS_SITE_PATHS:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and origin != request.app.state.settings.url
