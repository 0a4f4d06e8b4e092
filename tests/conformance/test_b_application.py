"""B. Cases of the launch that only the application's own stores, way out and pages can show."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.course.protocol import DatabaseLaunchStates, DatabaseLaunchTickets, PlatformEgress
from app.kit.db import Database
from app.kit.egress import EgressClient
from app.kit.settings import Settings
from lti import PlatformKeys
from tests.app.rooms.campus import Campus
from tests.conformance.tool import Tool, refused
from tests.fakes.platform import FakePlatform


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def pair(settings: Settings) -> Iterator[tuple[Tool, Tool]]:
    """Two processes of one service: each has its own application, caches and connections; the database is shared."""
    platform = FakePlatform(_now)
    databases = [Database(settings.sqlalchemy_url) for _ in range(2)]
    tools = []
    for database in databases:
        tool = Tool(_now, platform)  # type: ignore[arg-type]
        tool.states = DatabaseLaunchStates(database)  # type: ignore[assignment]
        tool.tickets = DatabaseLaunchTickets(database)  # type: ignore[assignment]
        tool.rebuild()
        tools.append(tool)
    yield tools[0], tools[1]
    for database in databases:
        database.dispose()


def test_case_14_22_51_two_processes_use_a_login_once(pair: tuple[Tool, Tool]) -> None:
    first, second = pair
    fields = first.platform.answer(first.login())
    second.client.cookies.update(first.client.cookies)
    second.accepted(second.post(fields))
    for tool in pair:
        refused(tool.post(fields), "state_unknown")
    state = first.platform.auth_query(first.login())["state"]
    refused(second.post({**fields, "state": state}), "nonce_mismatch")
    assert (len(first.launches), len(second.launches)) == (0, 1)


def test_case_22_of_posts_at_two_processes_at_once_one_wins(pair: tuple[Tool, Tool]) -> None:
    for _ in range(5):
        fields = pair[0].platform.answer(pair[0].login())
        cookies = dict(pair[0].client.cookies)
        gate, answers = threading.Barrier(6), list[int]()

        def post(
            tool: Tool, browser: TestClient, fields: dict[str, str], gate: Any, found: list[int]
        ) -> None:
            gate.wait()
            found.append(tool.post(fields, browser).status_code)

        threads = []
        for number in range(6):
            tool = pair[number % 2]
            browser = tool.browser()
            browser.cookies.update(cookies)
            threads.append(threading.Thread(target=post, args=(tool, browser, fields, gate, answers)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [303, 400, 400, 400, 400, 400]
    assert len(pair[0].launches) + len(pair[1].launches) == 5


def test_case_22_23_a_ticket_is_redeemed_at_one_of_two_processes(pair: tuple[Tool, Tool]) -> None:
    first, second = pair
    page = first.client.get("/lti/login", params=first.platform.login_fields(lti_storage_target="_parent"))
    login = json.loads(page.text.partition('id="launch-data">')[2].partition("</script>")[0])
    bind = first.post(first.platform.answer(login["auth_url"]), first.browser())
    data = json.loads(bind.text.partition('id="launch-data">')[2].partition("</script>")[0])
    body = {"ticket": data["ticket"], "value": login["storage_value"]}
    stranger = {**body, "value": "x" * 43}
    assert second.browser().post("/lti/launch/redeem", json=stranger).status_code == 400
    answers = [tool.browser().post("/lti/launch/redeem", json=body).status_code for tool in (second, first)]
    assert answers == [200, 400]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_case_40_a_name_that_leads_inside_is_not_followed(
    tool: Tool, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """The application's own way out: the name is judged by what it resolves to, and nothing is connected to."""

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    tool.platform_keys = PlatformKeys(PlatformEgress(EgressClient()), tool.clock)
    tool.rebuild()
    refused(tool.launch(), "platform_unreachable", 503)


@pytest.mark.parametrize(
    ("locale", "shown"),
    [("pt-BR", "pt-BR"), ("es-MX", "es"), ("pt", "pt-BR"), ("xx-klingon", "en"), (None, "en")],
)
def test_case_68_the_locale_of_the_launch_is_the_pages(
    campus: Campus, locale: str | None, shown: str
) -> None:
    visit = campus.visit(locale=locale)
    assert f'<html lang="{shown}"' in visit.get("/").text
