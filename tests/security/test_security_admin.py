"""The operator's routes against everybody who is no operator, and the operator's cookie against everybody else's routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select

from app.course.models import Deployment, Registration
from app.kit.audit import AuditEvent
from app.rooms.admin.models import AdminSession, Invitation
from tests.app.rooms.admin.signed_in import Operator
from tests.app.rooms.campus import ROLE_NAMES, TOOL, Campus
from tests.security.routes import Route, routes_of

# What stands on the operator's pages and nowhere else.
SECRETS = ("client-north", "client-south", "https://north.example/token", "zebrainvited")


@pytest.fixture
def operator(campus: Campus) -> Operator:
    made = Operator(campus)
    assert made.sign_in().status_code == 303
    return made


@pytest.fixture
def values(campus: Campus, operator: Operator) -> dict[str, str]:
    """Ids of things that are there: a guess that happens to be right."""
    invited = operator.post(
        "/admin/invitations",
        {"name": "zebrainvited", "organisation": "north", "platform": "moodle", "hours": "1"},
    )
    with campus.services.database.read() as session:
        return {
            "registration_id": session.scalars(select(Registration.id)).all()[0],
            "deployment_id": session.scalars(select(Deployment.id)).all()[0],
            "invitation_id": invited.headers["location"].rpartition("/")[2],
            "session_id": session.scalars(select(AdminSession.id)).one(),
        }


def admin_routes(campus: Campus) -> list[Route]:
    found = [route for route in routes_of(campus.app) if route.is_admin]
    assert len(found) > 12
    return found


def rows(campus: Campus) -> list[tuple[Any, ...]]:
    """Everything that an operator's route could change."""
    with campus.services.database.read() as session:
        return [
            tuple(getattr(row, column.name) for column in model.__table__.columns)
            for model in (Registration, Deployment, Invitation, AdminSession, AuditEvent)
            for row in session.scalars(select(model).order_by(model.id))
            if not (model is AuditEvent and row.action == "visit.began")
        ]


def refused_everywhere(campus: Campus, values: dict[str, str], send: Any) -> Iterator[Response]:
    before = rows(campus)
    for route in admin_routes(campus):
        answer = send(route.method, route.path.format(**values))
        assert answer.status_code == 401, f"{route}: {answer.status_code}"
        assert not [secret for secret in SECRETS if secret in answer.text], str(route)
        assert "set-cookie" not in answer.headers, str(route)
        yield answer
    assert rows(campus) == before


@pytest.mark.parametrize("role", ["", *ROLE_NAMES])
def test_no_launch_of_any_role_opens_an_operators_route(
    campus: Campus, values: dict[str, str], role: str
) -> None:
    visit = campus.visit("ana", role)
    other = Operator(campus)

    def send(method: str, path: str) -> Response:
        headers = visit.headers | {"Origin": TOOL}
        form = {"name": "x", "on": "no", "organisation": "north", "deployment_id": "9"}
        return other.client.request(method, path, headers=headers, data=form if method == "POST" else None)

    assert list(refused_everywhere(campus, values, send))


@pytest.mark.parametrize(
    "cookie", [None, "", "x", "null", "' OR '1'='1", "0" * 64, "the session's id", "the bearer", "the hash"]
)
def test_nobody_opens_an_operators_route(campus: Campus, values: dict[str, str], cookie: str | None) -> None:
    bearer = campus.visit().bearer
    with campus.services.database.read() as session:
        kept = session.scalars(select(AdminSession.secret_hash)).one()
    sent = {"the session's id": values["session_id"], "the bearer": bearer, "the hash": kept}
    other = Operator(campus)

    def send(method: str, path: str) -> Response:
        headers = {"Accept": "text/html", "Origin": TOOL}
        if cookie is not None:
            text = sent.get(cookie, cookie)
            headers["Cookie"] = f"workside_admin={text}; __Host-workside_admin={text}"
        return other.client.request(method, path, headers=headers)

    assert list(refused_everywhere(campus, values, send))


def test_the_operators_cookie_opens_no_route_of_a_course(campus: Campus, operator: Operator) -> None:
    campus.visit().attempt("lamp-parcels")
    for route in routes_of(campus.app):
        if route.is_admin or route.is_public:
            continue
        path = re.sub(r"\{\w+\}", "lamp-parcels", route.path)
        for headers in ({"Origin": TOOL}, {"Origin": TOOL, "Accept": "application/json"}):
            answer = operator.client.request(route.method, path, headers=headers)
            assert answer.status_code == 401, f"{route}: {answer.status_code}"


def test_the_matrix_can_see_the_secrets(campus: Campus, operator: Operator, values: dict[str, str]) -> None:
    seen = ""
    for route in admin_routes(campus):
        if route.method == "GET":
            answer = operator.get(route.path.format(**values))
            assert answer.status_code == 200, f"{route}: {answer.status_code}"
            assert answer.headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], str(route)
            seen += answer.text
    assert [secret for secret in SECRETS if secret not in seen] == ["client-south"]


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://north.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": TOOL},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_site_can_have_an_operators_browser_change_nothing(
    campus: Campus, operator: Operator, values: dict[str, str], headers: dict[str, str]
) -> None:
    """The cookie is SameSite=Strict; this holds where a browser sends it all the same."""
    before = rows(campus)
    for route in admin_routes(campus):
        if route.method != "GET":
            answer = operator.client.request(
                route.method, route.path.format(**values), headers=headers, data={"on": "no"}
            )
            assert answer.status_code == 403, f"{route}: {answer.status_code}"
    assert rows(campus) == before


def test_no_operators_get_changes_anything(
    campus: Campus, operator: Operator, values: dict[str, str]
) -> None:
    before = rows(campus)
    for route in admin_routes(campus):
        if route.method == "GET":
            operator.get(route.path.format(**values))
    assert rows(campus) == before
