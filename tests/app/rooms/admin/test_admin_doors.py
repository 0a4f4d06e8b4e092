"""Signing in as an operator: the link, the session, their ends."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app.kit.audit import AuditEvent
from app.rooms.admin.access import end_all_sessions, make_sign_in_link
from app.rooms.admin.models import AdminSession
from app.rooms.admin.service import browser_words
from tests.app.rooms.admin.signed_in import Operator
from tests.app.rooms.campus import Campus


def path_of(campus: Campus) -> str:
    return urlsplit(make_sign_in_link(campus.services)).path


def test_a_preview_of_the_link_uses_nothing_up_and_the_button_works_once(campus: Campus) -> None:
    operator, other = Operator(campus), Operator(campus)
    path = path_of(campus)
    for _ in range(3):
        page = operator.get(path)
        assert page.status_code == 200 and "set-cookie" not in page.headers
        assert operator.client.head(path).status_code in {200, 405}
    signed_in = operator.post(path)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/admin")
    assert operator.get("/admin").status_code == 200
    again = other.post(path)
    assert again.status_code == 401 and "any more" in again.text and "set-cookie" not in again.headers
    assert other.get("/admin").status_code == 401


def test_of_many_presses_at_once_one_signs_in(campus: Campus) -> None:
    path = path_of(campus)
    statuses: list[int] = []
    browsers = [Operator(campus) for _ in range(6)]
    gate = threading.Barrier(len(browsers))

    def press(operator: Operator) -> None:
        gate.wait()
        statuses.append(operator.post(path).status_code)

    threads = [threading.Thread(target=press, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 401, 401, 401, 401, 401]


def test_the_cookie_is_for_our_host_alone_and_for_no_script(campus: Campus) -> None:
    cookie = Operator(campus).sign_in().headers["set-cookie"]
    assert cookie.startswith("workside_admin=")  # plain http: `__Host-` needs https
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=28800"):
        assert part in cookie
    assert "Domain" not in cookie


def test_on_https_the_cookie_is_bound_to_host_and_https(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campus.services.settings, "base_url", "https://coach.example")
    operator = Operator(campus)
    path = path_of(campus)
    answer = operator.post(path, headers={"Origin": "https://coach.example"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-workside_admin=") and "Secure" in cookie and "Path=/" in cookie


def test_a_link_ends_after_ten_minutes_and_a_session_after_eight_hours(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, late = Operator(campus), Operator(campus)
    path = path_of(campus)
    operator.sign_in()
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", "601")
    assert late.post(path).status_code == 401
    assert operator.get("/admin").status_code == 200
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(8 * 3600 + 1))
    assert operator.get("/admin").status_code == 401


def test_signing_in_is_limited(campus: Campus) -> None:
    operator = Operator(campus)
    path = path_of(campus)
    statuses = [operator.post("/admin/sign-in/" + "A" * 43).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert operator.post(path).status_code == 429


def test_signing_out_ends_the_session_on_the_server(campus: Campus, operator: Operator) -> None:
    kept = dict(operator.client.cookies)
    page = operator.post("/admin/sign-out")
    assert page.status_code == 200 and "You are signed out" in page.text
    assert not operator.client.cookies
    operator.client.cookies.update(kept)
    assert operator.get("/admin").status_code == 401
    assert campus.count(AdminSession) == 0


def test_another_browsers_session_can_be_revoked(campus: Campus, operator: Operator) -> None:
    other = Operator(campus)
    other.sign_in()
    with campus.services.database.read() as session:
        ids = list(session.scalars(select(AdminSession.id).order_by(AdminSession.id)))
    page = operator.get("/admin/sessions")
    assert page.text.count("This browser") == 1 and f"/admin/sessions/{ids[1]}/revoke" in page.text
    assert operator.post(f"/admin/sessions/{ids[1]}/revoke").status_code == 303
    assert other.get("/admin").status_code == 401
    assert operator.get("/admin").status_code == 200
    assert operator.post(f"/admin/sessions/{ids[1]}/revoke").status_code == 404


def test_all_sessions_and_unused_links_end_at_once(campus: Campus, operator: Operator) -> None:
    path = path_of(campus)
    assert end_all_sessions(campus.services) == 1
    assert operator.get("/admin").status_code == 401
    assert operator.post(path).status_code == 401


def test_every_sign_in_and_out_is_on_record_without_a_secret(campus: Campus, operator: Operator) -> None:
    cookie = next(iter(operator.client.cookies.jar)).value or ""
    operator.post("/admin/sign-out")
    with campus.services.database.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action.startswith("admin."))).all()
        kept = session.scalars(select(AdminSession.secret_hash)).all()
    assert [row.action for row in rows] == ["admin.link_made", "admin.signed_in", "admin.signed_out"]
    assert cookie not in str([row.__dict__ for row in rows]) and cookie not in kept


def test_who_is_signed_out_is_told_the_command_and_nothing_else(campus: Campus) -> None:
    answer = Operator(campus).get("/admin/platforms/x")
    assert answer.status_code == 401
    assert "workside admin sign-in" in answer.text and "north" not in answer.text


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox 144 · Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36 Edg/143.0",
            "Edge 143 · Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Safari/604.1",
            "Safari 19 · iPhone",
        ),
        ("curl/8.5", "curl/8.5"),
        ("x" * 200, "x" * 80),
        ("", ""),
    ],
)
def test_a_browser_is_named_in_short(agent: str, words: str) -> None:
    assert browser_words(agent) == words
