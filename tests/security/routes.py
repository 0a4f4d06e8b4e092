"""Every route of the application, read from its router, so that a new one cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.main import ROOMS

# Routes of no room, each with the reason why they need no visit.
PUBLIC = {
    "/lti/login": "A platform begins a login; nobody is known yet.",
    "/lti/launch": "A platform posts a signed token that proves itself.",
    "/lti/launch/redeem": "A ticket and the browser's own value prove themselves.",
    "/lti/jwks.json": "Public keys.",
    "/lti/notices": "A platform tells of something in signed tokens that prove themselves.",
    "/healthz": "A probe; says that the process turns.",
    "/readyz": "A probe; names parts and no data.",
    "/metrics": "Counts by route; no names and no texts.",
}


@dataclass(frozen=True)
class Route:
    """One method of one path. `guards` are the names of everything that FastAPI calls before the handler."""

    method: str
    path: str
    guards: frozenset[str]

    @property
    def is_public(self) -> bool:
        return self.path in PUBLIC or any(self.path in room.public for room in ROOMS)

    @property
    def is_admin(self) -> bool:
        """Whether it is an operator's: behind the cookie of a sign-in, and behind no launch's bearer."""
        return "as_admin" in self.guards

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(app: FastAPI) -> list[Route]:
    """All routes but the static files, which are the same for everybody."""
    found = [
        Route(
            method,
            route.path,
            frozenset(getattr(call, "__name__", "") for call in calls_before(route.dependant)),
        )
        for route in api_routes(app.routes)
        for method in sorted(route.methods or ())
    ]
    assert len(found) > 15, "the router was read"
    return found


def api_routes(routes: Any) -> Iterator[APIRoute]:
    """Every route of a router and of those within it."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from api_routes(route.original_router.routes)
        else:
            assert route.path == "/static", f"a route that this test cannot read: {route}"


def calls_before(dependant: Any) -> Iterator[Any]:
    """Everything that FastAPI calls before the handler."""
    for inner in dependant.dependencies:
        yield inner.call
        yield from calls_before(inner)
