"""Requests from elsewhere, requests too large, requests too many, and the headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from httpx import Response

from app.evidence.models import Attempt
from app.rooms.ask.models import Turn
from tests.app.rooms.campus import TOOL, Campus, Visit
from tests.security.routes import Route, routes_of

CROSS_SITE = {"/lti/login", "/lti/launch"}
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8001"},
    {"Origin": "https://localhost:8000"},
    {"Origin": "http://localhost:8000.evil.example"},
    {"Origin": "https://north.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": TOOL},
]


def path_of(route: Route, key: str = "0" * 32) -> str:
    """The route's path with ids that lead to nothing; `key` stands where a task is named."""
    return re.sub(r"\{(\w+)\}", lambda name: key if name[1] == "key" else "0" * 32, route.path)


def writes_of(campus: Campus) -> list[Route]:
    found = [route for route in routes_of(campus.app) if route.method not in {"GET", "HEAD", "OPTIONS"}]
    assert len(found) >= 7
    return found


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_write_from_another_site_is_refused_on_every_route(campus: Campus, headers: dict[str, str]) -> None:
    ana = campus.visit()
    for route in writes_of(campus):
        answer = campus.client.request(
            route.method,
            path_of(route, "lamp-parcels"),
            data={"question": "x", "response": "x", "attempt_key": "x"},
            headers={"Authorization": f"Bearer {ana.bearer}", **headers},
        )
        if route.path in CROSS_SITE:
            assert "another site" not in answer.text, f"{route}: platforms post to it"
        else:
            assert answer.status_code == 403, str(route)
            assert "another site" in answer.text
    assert campus.count(Attempt) == campus.count(Turn) == 0


@pytest.mark.parametrize("headers", [{"Origin": TOOL}, {"Sec-Fetch-Site": "same-origin"}, {}], ids=str)
def test_a_write_from_our_own_page_or_from_no_browser_is_taken(
    campus: Campus, headers: dict[str, str]
) -> None:
    ana = campus.visit()
    answer = campus.client.post(
        "/practice/lamp-parcels/attempts",
        data={"response": "x", "attempt_key": "x"},
        headers={"Authorization": f"Bearer {ana.bearer}", **headers},
    )
    assert answer.status_code == 303


def test_a_foreign_page_may_not_read_answers_either(campus: Campus) -> None:
    ana = campus.visit()
    for route in routes_of(campus.app):
        answer = campus.client.request(
            "OPTIONS",
            path_of(route),
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": route.method},
        )
        assert "access-control-allow-origin" not in answer.headers, str(route)
    answer = ana.get("/practice", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


# ---- Headers


def everything(campus: Campus, visit: Visit | None) -> Iterator[tuple[str, Response]]:
    """One answer of every route, whatever it says, and of addresses that are no route."""
    headers = {"Accept": "text/html", "Origin": TOOL} | (visit.headers if visit else {})
    for route in routes_of(campus.app):
        for key in ("lamp-parcels", "0" * 32):
            path = path_of(route, key)
            yield str(route), campus.client.request(route.method, path, headers=headers)
    for method, path in (
        ("GET", "/nowhere"),
        ("DELETE", "/practice"),
        ("GET", "/static/css/workside.css"),
        ("GET", "/static/..%2f..%2fapp/main.py"),
        ("GET", "/static/nowhere.js"),
        ("POST", "/static/css/workside.css"),
        ("GET", "/practice/%ff"),
        ("PROPFIND", "/"),
    ):
        yield f"{method} {path}", campus.client.request(method, path, headers=headers)


@pytest.mark.parametrize("who", ["learner", "instructor", None])
def test_every_answer_has_the_headers(campus: Campus, who: str | None) -> None:
    visit = campus.visit("ana", who) if who else None
    for name, answer in everything(campus, visit):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "base-uri 'none'" in policy, name
        assert (
            "unsafe" not in policy
            and "*" not in policy
            and "data:" not in policy.replace("img-src 'self' data:", "")
        )
        assert "frame-ancestors" in policy, name
        assert "x-frame-options" not in answer.headers, f"{name}: it cannot name an origin"
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert answer.headers["referrer-policy"] == "no-referrer", name
        assert "server" not in answer.headers and "x-powered-by" not in answer.headers
        assert "create_app" not in answer.text, name
        kept = answer.headers["cache-control"]
        if "/static/" in name or name.endswith("/lti/jwks.json"):
            assert "no-store" not in kept, f"{name} is the same for everybody"
        else:
            assert kept == "no-store", name


def ancestors(answer: Response) -> str:
    return answer.headers["content-security-policy"].split("frame-ancestors ")[1].split(";")[0]


@pytest.mark.parametrize("organisation", ["north", "south"])
def test_a_visits_pages_are_framed_by_its_own_platform_only(campus: Campus, organisation: str) -> None:
    ana = campus.visit("ana", "learner", "parcels", organisation)
    for path in ("/", "/practice", "/practice/lamp-parcels", "/practice/nowhere", "/review", "/sources/x/1"):
        assert ancestors(ana.get(path)) == f"https://{organisation}.example", path
    refused = ana.post("/practice/lamp-parcels/attempts", {})
    assert (refused.status_code, ancestors(refused)) == (422, f"https://{organisation}.example")


def test_what_belongs_to_no_visit_is_framed_by_nobody(campus: Campus) -> None:
    for path in ("/nowhere", "/healthz", "/readyz", "/metrics", "/lti/jwks.json"):
        assert ancestors(campus.client.get(path)) == "'none'", path
    program = campus.client.get("/practice", headers={"Accept": "application/json"})
    assert ancestors(program) == "'none'"


def test_the_empty_shell_of_a_reload_is_framed_by_registered_platforms_and_holds_nothing(
    campus: Campus,
) -> None:
    campus.visit()
    shell = campus.client.get("/practice", headers={"Accept": "text/html"})
    assert ancestors(shell) == "https://north.example https://south.example"
    assert "lamp" not in shell.text and "north" not in shell.text


@pytest.mark.parametrize("path", ["/start/guessed", "/picker/return/guessed"])
def test_a_code_that_leads_nowhere_is_told_in_the_frame_where_it_was_used(campus: Campus, path: str) -> None:
    """The code alone would have said whose frame that is, so every registered platform may show the refusal."""
    answer = campus.client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code in {401, 410}
    assert ancestors(answer) == "https://north.example https://south.example"
    assert "north" not in answer.text and 'id="session"' not in answer.text


def test_an_error_of_ours_is_a_calm_page_with_all_headers(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = campus.visit()
    engine = campus.services.database.engine
    engine.dispose()
    (campus.services.settings.data_dir / "workside.db").write_bytes(b"this is no database" * 1000)
    for suffix in ("-wal", "-shm"):
        (campus.services.settings.data_dir / f"workside.db{suffix}").unlink(missing_ok=True)
    answer = ana.get("/practice")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "Traceback" not in answer.text and "sqlite" not in answer.text.lower()
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


# ---- Too large, too many, odd

A_FILE = b'--x\r\nContent-Disposition: form-data; name="question"; filename="a"\r\n\r\nx\r\n--x--\r\n'


@pytest.mark.parametrize(
    "path", ["/practice/lamp-parcels/attempts", "/ask/turns", "/lti/launch", "/lti/login"]
)
def test_a_body_that_says_it_is_too_large_is_refused_unread(campus: Campus, path: str) -> None:
    answer = campus.visit().post(path, {"response": "x" * (1 << 20), "question": "x"})
    assert answer.status_code == 413
    assert "too long to send" in answer.text


@pytest.mark.parametrize("path", ["/practice/lamp-parcels/attempts", "/ask/turns", "/review/x/decision"])
def test_a_body_that_never_says_how_large_it_is_ends_at_the_limit(campus: Campus, path: str) -> None:
    sent = [0]

    def pieces() -> Iterator[bytes]:
        yield b"response="
        for _ in range(64):
            sent[0] += 1
            yield b"x" * 65536

    visit = campus.visit("ivo", "instructor")
    answer = campus.client.post(
        path,
        content=pieces(),
        headers=visit.headers
        | {"Origin": TOOL, "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"},
    )
    assert answer.status_code == 413
    assert "too long to send" in answer.text
    assert campus.count(Attempt) == campus.count(Turn) == 0


def test_questions_by_one_person_are_limited_and_others_are_not(campus: Campus) -> None:
    ana, ben = campus.visit(), campus.visit("ben")
    codes = [ana.post("/ask/turns", {"question": ""}).status_code for _ in range(31)]
    assert codes == [422] * 30 + [429]
    late = ana.post("/ask/turns", {"question": "How do I greet a caller?"})
    assert late.status_code == 429
    assert "Wait a minute" in late.text
    again = campus.visit()
    assert again.post("/ask/turns", {"question": ""}).status_code == 429, "a new tab is the same person"
    assert ben.post("/ask/turns", {"question": ""}).status_code == 422


def test_checks_of_answers_are_limited(campus: Campus) -> None:
    ana = campus.visit()
    codes = [ana.post("/practice/lamp-parcels/attempts", {}).status_code for _ in range(21)]
    assert codes == [422] * 20 + [429]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"question": "x"}', "application/json"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"question=%ff%fe%00", "application/x-www-form-urlencoded"),
        (b"question", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (
            A_FILE,
            "multipart/form-data; boundary=x",
        ),
        (b"&".join(b"f%d=x" % n for n in range(5000)), "application/x-www-form-urlencoded"),
        (b"question=a&question=b", "application/x-www-form-urlencoded"),
    ],
)
def test_no_body_breaks_a_form(campus: Campus, body: bytes, kind: str) -> None:
    ivo = campus.visit("ivo", "instructor")
    for path in ("/ask/turns", "/practice/lamp-parcels/attempts", "/review/x/decision"):
        answer = campus.client.post(
            path, content=body, headers=ivo.headers | {"Origin": TOOL, "Content-Type": kind}
        )
        assert answer.status_code < 500, f"{path}: {answer.status_code}"


def test_a_tenants_name_or_id_in_an_address_changes_nothing(campus: Campus) -> None:
    north, south = campus.visit(), campus.visit("ana", "learner", "parcels", "south")
    plain = south.get("/practice").text
    for query in (
        "organisation=north",
        "organisation_id=north",
        "tenant=north",
        "collection=depot",
        "context_id=depot",
    ):
        assert south.get(f"/practice?{query}").text == plain
    assert "of north" in north.get("/practice/lamp-parcels").text
    assert "of south" in south.get("/practice/lamp-parcels").text
    assert "north" not in south.get("/practice/lamp-parcels").text
    for route in routes_of(campus.app):
        assert "organisation" not in route.path and "tenant" not in route.path
