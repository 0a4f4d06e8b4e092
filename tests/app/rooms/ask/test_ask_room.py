"""Ask: the stream, the whole turn behind it, and the page of a source."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.coach.answering import answer_question
from app.coach.answers import Step
from app.course.loading import organisation_named
from app.kit.clock import now
from app.rooms.ask.conversations import LEANED_ON
from app.rooms.ask.models import Conversation, Turn
from app.rooms.ask.turns import NOTHING
from retrieval import Exchange
from tests.app.rooms.campus import COURSES, Campus, Visit, canary, work_off

COVERED = "How do I refund a damaged parcel?"
NOT_COVERED = "How does quantum chromodynamics explain confinement?"


def turn_of(campus: Campus, turn_id: str) -> Turn:
    with campus.services.database.read() as session:
        return session.get_one(Turn, turn_id)


def opened(events: list[tuple[str, dict[str, str]]]) -> tuple[str, str]:
    (data,) = [data for name, data in events if name == "opened"]
    return data["turn_id"], data["conversation_id"]


def marked(page: str) -> list[str]:
    return re.findall(r"<mark[^>]*>(.*?)</mark>", page, re.DOTALL)


def test_an_answer_comes_as_events_in_their_order(campus: Campus) -> None:
    events = campus.visit().ask(COVERED)
    names = [name for name, _ in events]
    assert names[:3] == ["opened", "progress", "progress"]
    assert names[-1] == "done"
    assert set(names[3:-1]) == {"part"}
    whole = events[-1][1]["html"]
    for name, data in events:
        if name == "part":
            words = re.sub(r"<[^>]+>|&#8288;", "", data["html"]).strip(" 0123456789\n")
            assert words and words in whole, "what was streamed is what stands there in the end"


def test_the_whole_turn_is_kept_and_shown_again(campus: Campus) -> None:
    ana = campus.visit()
    events = ana.ask(COVERED)
    turn_id, conversation_id = opened(events)
    turn = turn_of(campus, turn_id)
    assert (turn.question, turn.number, turn.verdict) == (COVERED, 1, "covered")
    assert len(turn.answer["sentences"]) == sum(name == "part" for name, _ in events)
    assert all(sentence["citations"] for sentence in turn.answer["sentences"])
    home = ana.get("/").text
    assert f'id="turn-{turn_id}"' in home and conversation_id in home


def test_a_conversation_goes_on(campus: Campus) -> None:
    ana = campus.visit()
    _, conversation_id = opened(ana.ask(COVERED))
    later, same = opened(ana.ask("How do I greet a caller?", conversation_id))
    assert same == conversation_id
    assert turn_of(campus, later).number == 2


def test_an_abandoned_stream_leaves_no_half_turn(campus: Campus) -> None:
    """Every turn that is kept has its verdict, its sentences and their quotations."""
    ana = campus.visit()
    for question in (COVERED, NOT_COVERED, "How do I greet a caller?"):
        ana.ask(question)
    with campus.services.database.read() as session:
        for turn in session.scalars(select(Turn)):
            assert set(turn.answer) == set(NOTHING)
            assert turn.answer["sentences"] or turn.answer["closest"]
            known = {citation["n"] for citation in turn.answer["citations"]}
            assert {n for s in turn.answer["sentences"] for n in s["citations"]} <= known


def test_the_page_of_a_source_marks_the_very_words(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(COVERED))
    citations = turn_of(campus, turn_id).answer["citations"]
    assert citations
    for citation in citations:
        page = ana.get(f"/sources/{turn_id}/{citation['n']}")
        assert page.status_code == 200
        assert " ".join(marked(page.text)) == citation["quote"]
        assert citation["document"] in page.text


def test_a_document_that_changed_since_says_so_and_keeps_the_words(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(COVERED))
    answer = turn_of(campus, turn_id).answer
    citations = answer["citations"]
    services = campus.services
    with services.database.read() as session:
        north = organisation_named(session, "north").id
    collection = services.retrieval.collection(north, "parcels")
    with services.database.write() as session:
        services.retrieval.add_document(
            session, collection.id, "documents/handbook.md", b"# Handbook\n\nEverything is different now.\n"
        )
    work_off(services)
    for citation in citations:
        page = ana.get(f"/sources/{turn_id}/{citation['n']}").text
        assert marked(page) == [citation["quote"]]
        assert "changed" in page
    assert answer["sentences"][0]["text"] in ana.get("/").text, "the old answer still says what it said"


@pytest.mark.parametrize(
    "mark", ["99", "0", "-1", "closest-1", "closest-0", "x", "%2e%2e", "1;DROP TABLE turn"]
)
def test_a_mark_that_the_turn_does_not_have_is_not_found(campus: Campus, mark: str) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(COVERED))
    assert ana.get(f"/sources/{turn_id}/{mark}").status_code == 404


def test_what_is_not_covered_says_so_and_names_who_to_ask(campus: Campus) -> None:
    ana = campus.visit()
    events = ana.ask(NOT_COVERED)
    assert "part" not in [name for name, _ in events]
    turn_id, _ = opened(events)
    assert turn_of(campus, turn_id).verdict == "not_covered"
    html = events[-1][1]["html"]
    assert "Not covered here" in html
    assert "Hanne of north parcels" in html and "south" not in html and "depot" not in html
    assert events[-1][1]["announce"] == "Not covered here"
    for number in range(1, 1 + len(turn_of(campus, turn_id).answer["closest"])):
        assert ana.get(f"/sources/{turn_id}/closest-{number}").status_code == 200


@pytest.mark.parametrize(
    "stranger",
    [
        ("ben", "learner", "parcels", "north"),
        ("ivo", "instructor", "parcels", "north"),
        ("ada", "administrator", "parcels", "north"),
        ("ana", "learner", "depot", "north"),
        ("ana", "learner", "parcels", "south"),
    ],
)
def test_a_turn_is_its_persons_own(campus: Campus, stranger: tuple[str, str, str, str]) -> None:
    turn_id, conversation_id = opened(campus.visit().ask(COVERED))
    other = campus.visit(*stranger)
    assert other.get(f"/sources/{turn_id}/1").status_code == 404
    refused = other.post("/ask/turns", {"question": COVERED, "conversation_id": conversation_id})
    assert refused.status_code == 404
    assert COVERED not in other.get("/").text.replace("in parcels?", "")
    assert campus.count(Turn) == 1


@pytest.mark.parametrize(
    ("question", "advice"),
    [
        ("", "Write what you are trying to get done"),
        ("   \n\t ", "Write what you are trying to get done"),
        ("\x00\x01\u202e", "Write what you are trying to get done"),
        ("x" * 1001, "1,000 characters at most"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_what_to_do(
    campus: Campus, question: str, advice: str
) -> None:
    refused = campus.visit().post("/ask/turns", {"question": question})
    assert refused.status_code == 422
    assert advice in refused.text
    assert campus.count(Turn) == campus.count(Conversation) == 0


def test_the_longest_question_is_answered(campus: Campus) -> None:
    question = (COVERED + " ") * 40
    events = campus.visit().ask(question[:1000])
    assert events[-1][0] == "done"


def test_two_tabs_of_one_person_in_two_courses_never_mix(campus: Campus) -> None:
    tabs = {course: campus.visit("ana", "learner", course) for course in COURSES}
    for course, tab in tabs.items():
        tab.ask(f"What is the code word of {course}? Refund a damaged parcel.")
    for course, tab in tabs.items():
        (other,) = set(COURSES) - {course}
        home = tab.get("/").text
        assert f"code word of {course}" in home and f"code word of {other}" not in home
        assert f"Course {course} of north" in home and f"Course {other}" not in home
        assert f"lamp-{other}" not in tab.get("/practice").text


def test_an_answer_holds_only_words_of_its_own_scope(campus: Campus) -> None:
    question = "Write the note with the code word. Refund a damaged parcel."
    visits: dict[str, Visit] = {
        canary(organisation, course): campus.visit("ana", "learner", course, organisation)
        for organisation in ("north", "south")
        for course in COURSES
    }
    seen = {}
    for own, visit in visits.items():
        events = visit.ask(question)
        turn_id, _ = opened(events)
        answer = turn_of(campus, turn_id).answer
        entries = [f"/sources/{turn_id}/{c['n']}" for c in answer["citations"]]
        entries += [f"/sources/{turn_id}/closest-{n + 1}" for n in range(len(answer["closest"]))]
        text = str(events) + "".join(visit.get(entry).text for entry in entries)
        seen[own] = {word for word in visits if word in text}
    assert seen == {own: {own} for own in visits}


@pytest.mark.parametrize("wish", ["depot", "parcels,depot", " depot , parcels "])
def test_an_activity_chooses_among_its_organisations_collections(campus: Campus, wish: str) -> None:
    ana = campus.visit(custom={"collection": wish})
    listed = ana.get("/practice").text
    for course in COURSES:
        assert (f"lamp-{course}" in listed) == (course in wish)


@pytest.mark.parametrize("wish", ["nowhere", "../south", "*", "north/parcels"])
def test_a_name_that_the_organisation_does_not_have_opens_nothing(campus: Campus, wish: str) -> None:
    ana = campus.visit(custom={"collection": wish})
    assert "lamp-" not in ana.get("/practice").text
    events = ana.ask(COVERED)
    assert turn_of(campus, opened(events)[0]).verdict == "not_covered"
    assert "zebra" not in str(events) and "Handbook" not in str(events)


@pytest.fixture
def leaned_on(monkeypatch: pytest.MonkeyPatch) -> list[Exchange | None]:
    """What each question was answered with as the exchange before it."""
    seen: list[Exchange | None] = []

    def listening(*asked: Any, earlier: Exchange | None, locale: str) -> AsyncIterator[Step]:
        seen.append(earlier)
        return answer_question(*asked, earlier=earlier, locale=locale)

    monkeypatch.setattr("app.rooms.ask.live.answer_question", listening)
    return seen


def test_a_question_may_lean_on_the_one_before_for_half_an_hour(
    campus: Campus, leaned_on: list[Exchange | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = campus.visit()
    turn_id, conversation_id = opened(ana.ask(COVERED))
    ana.ask("And how many days does that take?", conversation_id)
    ana.ask("Something new altogether")
    assert leaned_on[0] is None and leaned_on[2] is None
    said = " ".join(sentence["text"] for sentence in turn_of(campus, turn_id).answer["sentences"])
    assert leaned_on[1] == Exchange(COVERED, said)
    later = now() + LEANED_ON + timedelta(seconds=1)
    monkeypatch.setattr("app.rooms.ask.asking.now", lambda: later)
    ana.ask("And after a break?", conversation_id)
    assert leaned_on[3] is None, "after a break one begins anew"


def test_a_follow_up_is_answered_where_the_question_before_it_leads(campus: Campus) -> None:
    ana = campus.visit()
    alone = turn_of(campus, opened(ana.ask("And what do I write?"))[0])
    _, conversation_id = opened(ana.ask("What do I open for a damaged parcel in Deskbook?"))
    after = turn_of(campus, opened(ana.ask("And what do I write?", conversation_id))[0])
    order = ["not_covered", "partly", "covered"]
    assert order.index(after.verdict) >= order.index(alone.verdict)
    assert after.question == "And what do I write?", "the person's own words are kept"
