"""One page as the tests render it: its template, what the template gets, and what the request knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from app.course.access import Visitor
from app.kit.pages import render_fragment
from app.main import ROOMS

AT = datetime(2026, 11, 17, 14, 2, tzinfo=UTC)
# As it is served: a room more, or a longer word for one, is a bar that has to fit.
NAVIGATION = tuple(item for room in ROOMS for item in room.navigation)


@dataclass(frozen=True)
class State:
    """One page as it is rendered: the template, its own context, and the request's path, role and locale."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    path: str = "/"
    role: str | None = "learner"
    status: int = 200
    is_anonymous: bool = False


class _Application:
    """What a template's request knows of the application."""

    class state:
        navigation = NAVIGATION


def visitor(role: str, locale: str = "en", *, is_anonymous: bool = False) -> Visitor:
    """A made-up person in the sample course."""
    return Visitor(
        visit_id="v1",
        user_id="u1",
        organisation_id="tarnwell",
        registration_id="r1",
        context_id="c1",
        resource_link_id="l1",
        role=role,
        is_gradable=role == "learner" and not is_anonymous,
        is_anonymous=is_anonymous,
        return_url="https://lms.example/course?id=7",
        locale=locale,
        name="Ana Paredes",
        context_title="Support onboarding, autumn intake",
        link_title="Workside",
        custom={},
    )


def render_state(state: State, locale: str = "en") -> str:
    """The HTML of a state through the application's own renderer."""
    path = quote(state.path)
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "server": ("localhost", 8000),
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "app": _Application,
        "state": {"locale": locale},
    }
    request = Request(scope)
    request.state.locale = locale
    if state.role:
        request.state.visitor = visitor(state.role, locale, is_anonymous=state.is_anonymous)
    return render_fragment(request, state.template, **state.context)
