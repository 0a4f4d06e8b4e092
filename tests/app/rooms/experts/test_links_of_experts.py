"""The door of an expert without an account, and everybody who tries to get through it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from httpx import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from app.coach.expert_links import MOST_OPEN_LINKS
from app.coach.models import ExpertLink
from app.kit.audit import AuditEvent
from app.kit.ids import secret_hash
from app.rooms.experts import public
from tests.app.rooms.campus import TOOL, Campus, Visit, work_off
from tests.app.rooms.experts.asking import (
    NOT_COVERED,
    TEXT,
    answer,
    answers_of,
    ask,
    confirm,
    expert_named,
    hand_off,
    name_expert,
    new_link,
    row_of,
    sources_of,
    user_id_of,
)

FORM = {"text": TEXT, "title": NOT_COVERED, "citable": "yes", "review": ""}


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with no request counted."""
    monkeypatch.setattr(public.OPENING, "_hits", type(public.OPENING._hits)())


@pytest.fixture
def ana(campus: Campus) -> Visit:
    return campus.visit()


@pytest.fixture
def ivo(campus: Campus) -> Visit:
    return campus.visit("ivo", "instructor")


@pytest.fixture
def asked(ana: Visit) -> str:
    return hand_off(ana, ask(ana))


@pytest.fixture
def browser(campus: Campus) -> Callable[[], TestClient]:
    """A browser of somebody without an account: nothing but its cookies."""

    def make() -> TestClient:
        return TestClient(campus.app, base_url=TOOL, follow_redirects=False, raise_server_exceptions=False)

    return make


def send(client: TestClient, path: str, form: dict[str, str] | None = None) -> Response:
    return client.post(path, data=form or {}, headers={"Origin": TOOL, "Accept": "text/html"})


def opened(client: TestClient, path: str) -> Response:
    """Goes through the button."""
    assert send(client, f"{path}/open").status_code == 303
    return client.get(path)


def test_the_expert_answers_by_the_link_and_it_is_cited_once_it_is_confirmed(
    campus: Campus, ana: Visit, ivo: Visit, asked: str, browser: Callable[[], TestClient]
) -> None:
    path = new_link(ivo, asked)
    phone = browser()
    first = phone.get(path)
    assert "Open the question" in first.text and NOT_COVERED not in first.text, "looking opens nothing"
    page = opened(phone, path)
    for part in (NOT_COVERED, "On the phone.", "Hanne of north parcels", "Handbook of north parcels"):
        assert part in page.text
    assert "Ana of north" not in page.text
    assert page.headers["x-robots-tag"] == "noindex, nofollow" and 'content="noindex' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    sent = send(phone, path, FORM)
    assert sent.status_code == 200 and "on its way" in sent.text
    (row,) = answers_of(campus)
    assert (row.author, row.via, row.user_id) == ("Hanne of north parcels", "link", None)
    assert "Hanne of north parcels answered your question" in ana.get("/").text
    assert "Came by the link" in ivo.get(f"/experts/questions/{asked}").text, "the instructor is told how"
    assert "an instructor of the course has confirmed it" in sent.text.replace("Once ", "")
    assert TEXT in ana.get("/").text, "who asked has it at once"
    work_off(campus.services)
    assert not any(source["expert"] for source in sources_of(campus.visit("ben"), NOT_COVERED))
    assert "1 expert answer came by a link and waits for your confirmation" in ivo.get("/").text
    assert "Needs your confirmation" in ivo.get("/experts").text
    assert "Let the coach cite it" in ivo.get(f"/experts/questions/{asked}").text
    assert confirm(ivo, row.id).status_code == 303
    assert confirm(ivo, row.id).status_code == 303, "a second click changes nothing"
    work_off(campus.services)
    assert any(
        source["expert"] and source["expert"]["name"] == "Hanne of north parcels"
        for source in sources_of(campus.visit("cleo"), NOT_COVERED)
    )
    page_after = ivo.get(f"/experts/questions/{asked}").text
    assert "The coach cites it" in page_after and "Let the coach cite it" not in page_after
    assert "waits for your confirmation" not in ivo.get("/").text
    with campus.services.database.read() as session:
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "expert_answer.confirmed")
        ).all()
    assert len(events) == 1 and events[0].actor_id == user_id_of(campus, "north-ivo")


def test_only_people_of_the_course_who_did_not_ask_confirm_what_they_have_read(
    campus: Campus, ana: Visit, ivo: Visit, asked: str, browser: Callable[[], TestClient]
) -> None:
    path, client = new_link(ivo, asked), browser()
    opened(client, path)
    send(client, path, FORM)
    (row,) = answers_of(campus)
    strangers = [
        ana,
        campus.visit("ben"),
        campus.visit("ivo", "instructor", "depot"),
        campus.visit("ivo", "instructor", "parcels", "south"),
    ]
    assert {confirm(who, row.id).status_code for who in strangers} == {404}
    promoted = campus.visit("ana", "instructor")
    assert confirm(promoted, row.id).status_code == 403, "whoever asked could have used the link"
    assert "Let the coach cite it" not in promoted.get(f"/experts/questions/{asked}").text
    assert confirm(ivo, "0" * 32).status_code == 404
    assert answer(ivo, asked, text="Blue.", citable="", instead_of=row.id).status_code == 303
    assert confirm(ivo, row.id).status_code == 409, "another version than the one that was read"
    assert {version.document_id for version in answers_of(campus)} == {None}


def test_what_its_author_keeps_for_who_asked_nobody_confirms(
    campus: Campus, ivo: Visit, asked: str, browser: Callable[[], TestClient]
) -> None:
    path, client = new_link(ivo, asked), browser()
    opened(client, path)
    send(client, path, FORM | {"citable": ""})
    (row,) = answers_of(campus)
    assert "Let the coach cite it" not in ivo.get(f"/experts/questions/{asked}").text
    assert confirm(ivo, row.id).status_code == 409
    assert answers_of(campus)[0].document_id is None


def test_the_general_form_begins_without_addresses_and_long_numbers(
    campus: Campus, ana: Visit, ivo: Visit, browser: Callable[[], TestClient]
) -> None:
    asked = hand_off(ana, ask(ana), question=f"{NOT_COVERED} zebra@example.org, parcel 4900012345678")
    path, client = new_link(ivo, asked), browser()
    for page in (opened(client, path).text, ivo.get(f"/experts/questions/{asked}").text):
        title = page.partition('name="title"')[2].partition("</textarea>")[0]
        assert NOT_COVERED in title and "zebra@" not in title and "4900012345678" not in title
    told = send(client, path, FORM | {"title": "What about zebra@example.org?"})
    assert told.status_code == 422 and "Take e-mail addresses and long numbers out" in told.text
    assert answers_of(campus) == []


def test_nothing_that_was_typed_is_lost_by_a_refusal(
    ivo: Visit, asked: str, browser: Callable[[], TestClient]
) -> None:
    path, client = new_link(ivo, asked), browser()
    opened(client, path)
    refused = send(client, path, FORM | {"review": "soon"})
    assert refused.status_code == 422
    assert TEXT in refused.text and "day of the next review" in refused.text
    assert send(client, path, FORM).status_code == 200


def closed_links(
    campus: Campus, ana: Visit, ivo: Visit, browser: Callable[[], TestClient], way: str
) -> tuple[str, TestClient]:
    """A link that does not work, and who tries it."""
    asked = hand_off(ana, ask(ana))
    path, client = new_link(ivo, asked), browser()
    opened(client, path)
    if way == "guessed":
        return "/answer/" + "A" * 43, client
    if way == "tampered":
        return path[:-1] + ("a" if path[-1] != "a" else "b"), client
    if way == "used":
        send(client, path, FORM)
    if way == "revoked":
        ivo.post(f"/experts/questions/{asked}/links/end")
    if way == "taken back":
        ana.post(f"/ask/hand-offs/{asked}/withdraw")
    if way == "answered in the tool":
        answer(ivo, asked)
    if way == "another browser":
        return path, browser()
    return path, client


@pytest.mark.parametrize(
    "way", ["guessed", "tampered", "used", "revoked", "taken back", "answered in the tool", "another browser"]
)
def test_links_that_do_not_work_all_say_the_same(
    campus: Campus, ana: Visit, ivo: Visit, browser: Callable[[], TestClient], way: str
) -> None:
    path, client = closed_links(campus, ana, ivo, browser, way)
    before = len(answers_of(campus))
    shown = client.get(path)
    assert shown.status_code == 200 and "Open the question" in shown.text
    assert shown.text.replace(path, "") == browser().get("/answer/x").text.replace("/answer/x", "")
    for refused in (send(client, f"{path}/open"), send(client, path, FORM)):
        assert refused.status_code == 404
        assert "This link doesn&#39;t work" in refused.text and NOT_COVERED not in refused.text
    assert len(answers_of(campus)) == before


def test_a_link_expires_after_14_days(
    ivo: Visit, asked: str, browser: Callable[[], TestClient], later: Callable[[timedelta], None]
) -> None:
    path, client = new_link(ivo, asked), browser()
    opened(client, path)
    later(timedelta(days=13, hours=23))
    assert NOT_COVERED in client.get(path).text
    later(timedelta(days=14, minutes=1))
    assert NOT_COVERED not in client.get(path).text
    assert send(client, path, FORM).status_code == 404


def test_passing_the_question_on_ends_the_link_of_who_had_it(
    campus: Campus,
    ana: Visit,
    ivo: Visit,
    browser: Callable[[], TestClient],
    later: Callable[[timedelta], None],
) -> None:
    from app.coach.hand_offs import work_next_hand_off

    name_expert(ivo, name="Olu", topics="zebraroof")
    asked = hand_off(ana, ask(ana))
    path, client = new_link(ivo, asked), browser()
    opened(client, path)
    for days in (6, 10):
        later(timedelta(days=days))
        work_next_hand_off(campus.services)
    assert row_of(campus, asked).passed_on_at is not None
    assert send(client, path, FORM).status_code == 404


def test_a_forwarded_link_is_of_no_use_once_the_expert_opened_it(
    campus: Campus, ivo: Visit, asked: str, browser: Callable[[], TestClient]
) -> None:
    """What it can't prevent: a link that is forwarded before it was opened. The answer is then marked as come by the link."""
    path, expert = new_link(ivo, asked), browser()
    opened(expert, path)
    learner = browser()
    learner.cookies.set(f"workside_answer_{secret_hash(path[8:])[:16]}", "guessed", path="/answer")
    assert NOT_COVERED not in learner.get(path).text
    assert send(learner, path, FORM).status_code == 404
    assert NOT_COVERED in opened(expert, path).text, "the expert's browser may come back"
    assert answers_of(campus) == []


def test_the_browser_of_one_link_opens_no_other(
    campus: Campus, ana: Visit, ivo: Visit, asked: str, browser: Callable[[], TestClient]
) -> None:
    other = hand_off(ana, ask(ana, "What is a zebrabelt?"), question="zebraother")
    paths, client = (new_link(ivo, asked), new_link(ivo, other)), browser()
    opened(client, paths[0])
    assert "zebraother" not in client.get(paths[1]).text
    secret = next(iter(client.cookies.values()))
    client.cookies.set(f"workside_answer_{secret_hash(paths[1][8:])[:16]}", secret, path="/answer")
    assert send(client, paths[1], FORM).status_code == 404
    assert answers_of(campus) == []


def test_only_hashes_are_kept_and_only_reviewers_make_links(
    campus: Campus, ana: Visit, ivo: Visit, asked: str
) -> None:
    path = new_link(ivo, asked)
    with campus.services.database.read() as session:
        (link,) = session.scalars(select(ExpertLink)).all()
        assert link.token_hash == secret_hash(path[8:]) and path[8:] not in str(vars(link))
    assert path[8:] not in ivo.get(f"/experts/questions/{asked}").text, "it is shown once"
    assert ana.post(f"/experts/questions/{asked}/links").status_code == 403
    assert (
        campus.visit("ivo", "instructor", "depot").post(f"/experts/questions/{asked}/links").status_code
        == 404
    )
    for _ in range(MOST_OPEN_LINKS - 1):
        new_link(ivo, asked)
    assert ivo.post(f"/experts/questions/{asked}/links").status_code == 409


def test_guessing_is_slowed_down(campus: Campus, browser: Callable[[], TestClient]) -> None:
    client = browser()
    statuses = [send(client, f"/answer/guess-{number}/open").status_code for number in range(25)]
    assert statuses[:20] == [404] * 20 and set(statuses[20:]) == {429}
    assert client.get("/answer/guess").status_code == 429


@pytest.mark.parametrize("token", ["x" * 5000, "%00", "%27%3B--", "..%2f..%2fetc", "é"])
def test_what_is_no_token_is_no_error(browser: Callable[[], TestClient], token: str) -> None:
    client = browser()
    assert client.get(f"/answer/{token}").status_code in {200, 404}
    assert send(client, f"/answer/{token}/open").status_code == 404


def test_a_foreign_page_sends_no_answer(
    campus: Campus, ivo: Visit, asked: str, browser: Callable[[], TestClient]
) -> None:
    path, client = new_link(ivo, asked), browser()
    opened(client, path)
    forged = client.post(path, data=FORM, headers={"Origin": "https://evil.example"})
    assert forged.status_code == 403 and answers_of(campus) == []


def test_an_expert_taken_off_the_list_still_answers_what_they_have(
    campus: Campus, ana: Visit, ivo: Visit, browser: Callable[[], TestClient]
) -> None:
    name_expert(ivo, name="Olu", topics="zebraroof")
    asked = hand_off(ana, ask(ana))
    path, client = new_link(ivo, asked), browser()
    ivo.post(f"/experts/people/{expert_named(campus, 'Olu').id}/remove")
    opened(client, path)
    assert send(client, path, FORM).status_code == 200
