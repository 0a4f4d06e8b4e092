"""C. Deep linking as people meet it, through the whole application: conformance cases 71, 72 and 75-77."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.course.models import Placement, User
from lti.claims import DEEP_LINKING_DATA, DEEP_LINKING_TEXTS
from lti.roles import ROLES, TEACHING
from tests.app.rooms.campus import TOOL, Campus, canary
from tests.app.rooms.campus_fixtures import campus, seeded_folder
from tests.app.rooms.placing import (
    RETURN_URL,
    asks_for_content,
    choose,
    launched,
    picker,
    placements_of,
    posted,
    way_back,
)

__all__ = ["campus", "seeded_folder"]

LAMP = "practice/lamp-parcels"


def test_case_71_where_no_activity_can_be_placed_the_answer_is_empty_and_says_so(campus: Campus) -> None:
    ivo = picker(campus, accept_types=("link", "html"))
    page = ivo.get("/picker")
    assert "Nothing can be added here" in page.text and 'name="choice"' not in page.text
    assert choose(ivo, LAMP).status_code == 404
    told = posted(campus, choose(ivo, cancel="yes"))
    assert told.items == [] and "takes no Workside" in told.claims[DEEP_LINKING_TEXTS["errormsg"]]
    assert campus.count(Placement) == 0


def test_case_72_one_thing_at_a_time_where_the_platform_takes_one(campus: Campus) -> None:
    ivo = picker(campus, accept_multiple=False)
    page = ivo.get("/picker").text
    assert 'type="radio" name="choice"' in page and 'type="checkbox" name="choice"' not in page
    answer = choose(ivo, LAMP, "coach/all")
    assert answer.status_code == 422 and "one at a time" in answer.text
    assert len(posted(campus, choose(ivo, LAMP)).items) == 1


def test_case_72_without_gradebook_columns_none_is_promised_or_sent(campus: Campus) -> None:
    ivo = picker(campus, accept_lineitem=False)
    page = ivo.get("/picker").text
    assert "gets no column in the gradebook" in page and 'type="number"' not in page
    (item,) = posted(campus, choose(ivo, LAMP)).items
    assert "lineItem" not in item


def test_case_73_nothing_chosen_is_a_valid_answer(campus: Campus) -> None:
    told = posted(campus, choose(picker(campus, data="csrf=1&x"), cancel="yes"))
    assert told.items == [] and told.claims[DEEP_LINKING_DATA] == "csrf=1&x"
    assert told.url == RETURN_URL and campus.count(Placement) == 0


HOSTILE = "https://north.example/\"><script>alert(1)</script>?a=1&b='x"


def test_case_75_the_page_of_the_answer_escapes_and_posts_only_to_the_return_url(campus: Campus) -> None:
    told = posted(campus, choose(picker(campus, return_url=HOSTILE), LAMP))
    assert told.url == HOSTILE
    assert "<script>alert" not in told.page.text and told.token.count(".") == 2
    policy = told.page.headers["content-security-policy"]
    assert "form-action https://north.example;" in policy and "unsafe" not in policy
    assert "frame-ancestors https://north.example" in policy
    assert told.page.headers["cache-control"] == "no-store"
    assert told.page.headers["referrer-policy"] == "no-referrer"
    # A script of ours sends it; a button is there for whoever has none.
    assert '<script type="module" src="/static/js/return.js">' in told.page.text
    assert '<button class="button" type="submit">Continue</button>' in told.page.text
    assert " onload=" not in told.page.text and "<script>" not in told.page.text


def test_case_75_the_way_back_works_once_and_for_a_minute(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    ivo = picker(campus)
    used = way_back(choose(ivo, LAMP))
    assert campus.client.get(used).status_code == 200
    late = way_back(choose(ivo, LAMP))
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", "61")
    for way in (used, late, "/picker/return/guessed"):
        answer = campus.client.get(way, headers={"Accept": "text/html"})
        assert answer.status_code == 410 and "choose again" in answer.text
        assert "<form" not in answer.text and "eyJ" not in answer.text


def test_case_76_a_placed_task_is_what_its_launches_show(campus: Campus) -> None:
    more = {f"points/{LAMP}": "20"}
    (item,) = posted(campus, choose(picker(campus), LAMP, more=more)).items
    (placement,) = placements_of(campus)
    assert item["url"] == f"{TOOL}/lti/launch?placement={placement.id}"
    assert item["custom"]["placement"] == placement.id and placement.id not in {"", "lamp-parcels"}
    assert item["title"] == "The lamp-parcels of north"
    assert {key: item["lineItem"][key] for key in ("scoreMaximum", "resourceId", "tag", "label")} == {
        "scoreMaximum": 20,
        "resourceId": placement.id,
        "tag": "practice",
        "label": item["title"],
    }
    ana = launched(campus, item)
    assert ana.first == "/practice/lamp-parcels" and "broken lamp" in ana.get(ana.first).text
    assert ana.get("/practice/vase-parcels").status_code == 404
    assert ana.get("/practice/lamp-depot").status_code == 404


@pytest.mark.parametrize("way", ["custom", "url"])
def test_case_76_the_address_or_the_custom_parameter_is_enough(campus: Campus, way: str) -> None:
    (item,) = posted(campus, choose(picker(campus), LAMP)).items
    sent = {"url": f"{TOOL}/lti/launch", "custom": {}} | {way: item[way]}
    assert launched(campus, sent).first == "/practice/lamp-parcels"


def test_case_76_a_placed_coach_uses_the_collections_that_were_chosen(campus: Campus) -> None:
    ivo = picker(campus)
    chosen = {name.name: name.id for name in campus.services.retrieval.collections(_north(campus))}
    (item,) = posted(campus, choose(ivo, "coach/all", more={"part/coach": [chosen["depot"]]})).items
    assert item["title"] == "Coach: depot" and "lineItem" not in item
    ana = launched(campus, item)
    assert ana.first == "/"
    said = str(ana.ask("Which code word do I write into the note?"))
    assert canary("north", "depot") in said and canary("north", "parcels") not in said


def _north(campus: Campus) -> str:
    return next(
        placement.organisation_id
        for placement in [*placements_of(campus), *_users(campus)]
        if placement.organisation_id
    )


def _users(campus: Campus) -> list[User]:
    from sqlalchemy import select

    with campus.services.database.read() as session:
        return list(session.scalars(select(User)))


@pytest.mark.parametrize("what", [LAMP, "coach/all"])
def test_case_76_copied_to_another_organisation_it_shows_nothing_of_the_first(
    campus: Campus, what: str
) -> None:
    (item,) = posted(campus, choose(picker(campus), what)).items
    learner = launched(campus, item, "ana", "learner", "parcels", "south")
    teacher = launched(campus, item, "ivo", "instructor", "parcels", "south")
    assert learner.first == "/" and teacher.first == "/placement"
    for path in ("/", "/practice", "/practice/lamp-parcels", "/sources/x/1", "/review"):
        for visit in (learner, teacher):
            answer = visit.get(path)
            assert answer.status_code == 409 and "has no content yet" in answer.text, path
            assert "north" not in answer.text.replace(item["title"], "") and "lamp" not in answer.text
    assert learner.post("/ask/turns", {"question": "x"}).status_code == 409
    assert learner.get("/placement").status_code == 403
    page = teacher.get("/placement")
    assert page.status_code == 200 and "copied from another organisation" in page.text
    assert "of south" in page.text and "of north" not in page.text


def test_case_76_another_course_of_the_same_organisation_keeps_the_content(campus: Campus) -> None:
    (item,) = posted(campus, choose(picker(campus), LAMP)).items
    ana = launched(campus, item, "ana", "learner", "depot")
    assert ana.first == "/practice/lamp-parcels" and "broken lamp" in ana.get(ana.first).text


@pytest.mark.parametrize("named", ["x", "0" * 32, "é" * 40, "../../x", "' OR 1=1", "a" * 5000])
def test_case_76_a_placement_that_never_was_is_like_anothers(campus: Campus, named: str) -> None:
    item = {"url": f"{TOOL}/lti/launch", "custom": {"placement": named}}
    assert launched(campus, item).get("/").status_code == 409


@pytest.mark.parametrize("role", sorted(set(ROLES) - TEACHING))
def test_case_77_who_does_not_teach_can_neither_look_nor_answer(campus: Campus, role: str) -> None:
    """The protocol edge refuses them; a visit that got past it would be refused by each page."""
    visit = picker(campus, "ana", role)
    for answer in (
        visit.get("/picker"),
        visit.get("/picker/preview/practice/lamp-parcels"),
        choose(visit, LAMP),
        choose(visit, cancel="yes"),
    ):
        assert answer.status_code == 403 and "lamp" not in answer.text
    assert campus.count(Placement) == 0


@pytest.mark.parametrize("role", sorted(TEACHING))
def test_case_77_who_teaches_or_writes_content_can(campus: Campus, role: str) -> None:
    assert len(posted(campus, choose(picker(campus, "ivo", role), LAMP, "coach/all")).items) == 2


def test_case_77_an_expired_visit_is_told_and_posts_nothing(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    ivo = picker(campus)
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(campus.services.settings.session_minutes * 60 + 1))
    for answer in (ivo.get("/picker"), choose(ivo, LAMP), choose(ivo, cancel="yes")):
        assert answer.status_code == 401 and "Open Workside again from your course" in answer.text
        assert "<form" not in answer.text
    assert campus.count(Placement) == 0


def test_case_77_what_was_placed_is_told_to_the_platforms_log(campus: Campus) -> None:
    told = posted(campus, choose(picker(campus), LAMP, "coach/all"))
    assert told.claims[DEEP_LINKING_TEXTS["log"]] == "2 placed"
    assert DEEP_LINKING_TEXTS["errormsg"] not in told.claims


def test_a_request_without_a_course_is_answered_too(campus: Campus) -> None:
    ivo = picker(campus, context=False)
    assert ivo.get("/picker").status_code == 200
    assert len(posted(campus, choose(ivo, LAMP)).items) == 1
    assert placements_of(campus)[0].context_id is None


def test_a_picker_is_no_activity_and_an_activity_no_picker(campus: Campus) -> None:
    ivo = picker(campus)
    for path in ("/", "/practice", "/review", "/placement", "/sources/x/1"):
        assert ivo.get(path).status_code == 404, path
    assert ivo.post("/ask/turns", {"question": "x"}).status_code == 404
    for role in ("learner", "instructor"):
        assert campus.visit("eva", role).get("/picker").status_code == 404


def test_an_anonymous_author_is_not_written_down(campus: Campus) -> None:
    launch = replace(asks_for_content(campus), sub=None)
    posted(campus, choose(campus.enter(launch), LAMP))
    assert placements_of(campus)[0].created_by is None
