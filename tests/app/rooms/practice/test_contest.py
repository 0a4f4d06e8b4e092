"""Contesting a line: to the instructor, beside the line, and back to the learner."""

from __future__ import annotations

import re
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select

from app.evidence.models import Contest, Evidence, ScoreRow
from app.kit.audit import AuditEvent
from tests.app.rooms.campus import Campus, Visit

KEY = "lamp-parcels"
WORDS = "I do ask: see my zebra sentence."


def contest(visit: Visit, attempt: str, **changes: str) -> Response:
    form = {"criterion": "photos", "about": "suggestion", "words": WORDS, "contest_key": "c1"} | changes
    return visit.post(f"/practice/attempts/{attempt}/contests", form)


def contests(campus: Campus) -> list[Contest]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(Contest).order_by(Contest.id)))


def answer(visit: Visit, contest_id: str, **changes: str) -> Response:
    form = {"agrees": "yes", "answer": "You are right, it is there."} | changes
    return visit.post(f"/review/contests/{contest_id}/answer", form)


def test_words_against_a_line_go_to_the_instructor_and_the_reply_comes_back(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    attempt = ana.attempt(KEY, "I say sorry in zebra stripes.")
    assert "zebra" not in ivo.get("/review").text
    assert contest(ana, attempt).status_code == 303
    assert contest(ana, attempt).status_code == 303
    (row,) = contests(campus)
    page = ana.get(f"/practice/{KEY}").text
    assert WORDS in page and "Your instructor has it and answers here" in page
    assert "Learners say" in ivo.get("/").text or "A learner says that 1 line is wrong" in ivo.get("/").text
    assert f"/review/contests/{row.id}" in ivo.get("/review").text
    page = ivo.get(f"/review/contests/{row.id}").text
    assert WORDS in page and "I say sorry in zebra stripes." in page and "It was not handed in" in page
    for _ in range(2):
        assert answer(ivo, row.id).status_code == 303
    assert "has answered what you said about" in ana.get("/").text
    page = ana.get(f"/practice/{KEY}?attempt={attempt}").text
    assert "Your instructor: you are right" in page and "You are right, it is there." in page
    assert "has answered what you said about" not in ana.get("/").text, "it was seen"
    with campus.services.database.read() as session:
        events = list(session.scalars(select(AuditEvent)))
        assert session.scalars(select(ScoreRow)).all() == session.scalars(select(Evidence)).all() == []
    actions = [event.action for event in events]
    assert actions.count("contest.raised") == actions.count("contest.answered") == 1
    assert "zebra" not in str([event.detail for event in events])


def test_what_came_back_in_another_activity_of_the_course_is_said_with_where_to_read_it(
    campus: Campus,
) -> None:
    ana, ivo = campus.visit(link="lamps", custom={"task": KEY}), campus.visit("ivo", "instructor")
    attempt = ana.attempt(KEY, "I say sorry.")
    contest(ana, attempt)
    (row,) = contests(campus)
    answer(ivo, row.id)
    ana.hand_in(attempt)
    ivo.decide(ivo.waiting()[0])
    coach = campus.visit(link="the-coach")
    home = coach.get("/").text
    for words in ("has answered what you said about", "has looked at"):
        line = next(line for line in home.split("<li>") if words in line)
        assert "open the activity “Activity lamps”" in line and "href" not in line.split("</li>")[0]
    assert "Activity lamps" not in campus.visit("ben", link="the-coach").get("/").text
    assert "Activity lamps" not in campus.visit("ana", "learner", "depot").get("/").text
    there = ana.get("/").text
    assert f'href="/practice/{KEY}?attempt={attempt}"' in there and "Activity lamps”" not in there
    ana.get(f"/practice/{KEY}?attempt={attempt}")
    assert "has answered what you said about" not in coach.get("/").text, "it was seen"


def test_the_reviewer_sees_it_beside_the_line_of_what_was_handed_in(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    attempt = ana.attempt(KEY, "I say sorry.")
    contest(ana, attempt)
    ana.hand_in(attempt)
    page = ivo.get(f"/review/{ivo.waiting()[0]}").text
    assert WORDS in page and "Reply to it" in page


def test_a_decision_can_be_contested_and_only_a_new_decision_changes_points(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    attempt = ana.attempt(KEY, "I say sorry.")
    assert contest(ana, attempt, about="decision").status_code == 404, "there is none yet"
    ana.hand_in(attempt)
    evidence = ivo.waiting()[0]
    ivo.decide(evidence, met_photos="no")
    assert contest(ana, attempt, about="decision").status_code == 303
    (row,) = contests(campus)
    answer(ivo, row.id)
    with campus.services.database.read() as session:
        (score,) = session.scalars(select(ScoreRow))
        assert (score.points, score.version) == (25, 1), "a reply is no decision"
    assert "Replied: the learner is right" in ivo.get(f"/review/{evidence}").text
    assert "Your instructor: you are right" in ana.get(f"/practice/{KEY}").text


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"words": " \x00 "}, 422, "Write in a sentence what is wrong"),
        ({"words": "x" * 1001}, 422, "Say it shorter"),
        ({"criterion": "no-such-line"}, 404, ""),
        ({"contest_key": ""}, 422, "The form is incomplete"),
    ],
)
def test_what_cannot_be_taken_says_what_to_do(
    campus: Campus, changes: dict[str, str], status: int, says: str
) -> None:
    ana = campus.visit()
    refused = contest(ana, ana.attempt(KEY, "I say sorry."), **changes)
    assert refused.status_code == status and says in refused.text
    assert contests(campus) == []


def test_a_line_is_contested_once_until_it_is_answered(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    attempt = ana.attempt(KEY, "I say sorry.")
    contest(ana, attempt)
    again = contest(ana, attempt, contest_key="c2")
    assert again.status_code == 409 and "You have already said that" in again.text
    answer(ivo, contests(campus)[0].id, agrees="no", answer="It is not there.")
    assert contest(ana, attempt, contest_key="c3").status_code == 303
    assert "the line stands" in ana.get(f"/practice/{KEY}").text


def test_two_instructors_do_not_lose_each_others_reply(campus: Campus) -> None:
    ana, ivo, ida = campus.visit(), campus.visit("ivo", "instructor"), campus.visit("ida", "instructor")
    contest(ana, ana.attempt(KEY, "I say sorry."))
    (row,) = contests(campus)
    assert answer(ivo, row.id).status_code == 303
    late = answer(ida, row.id, agrees="no")
    assert late.status_code == 409 and "Somebody else has answered" in late.text
    assert contests(campus)[0].agrees is True


@pytest.mark.parametrize("form", [{}, {"agrees": "yes"}, {"agrees": "maybe", "answer": "x"}])
def test_a_reply_needs_a_verdict_and_words(campus: Campus, form: dict[str, str]) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    contest(ana, ana.attempt(KEY, "I say sorry."))
    assert ivo.post(f"/review/contests/{contests(campus)[0].id}/answer", form).status_code == 422


STRANGERS: list[tuple[Any, int]] = [
    (("ben", "learner"), 403),
    (("ivo", "instructor", "depot"), 404),
    (("ivo", "instructor", "parcels", "south"), 404),
    (("mia", "mentor"), 403),
]


@pytest.mark.parametrize(("who", "status"), STRANGERS)
def test_only_reviewers_of_the_course_see_and_answer_it(campus: Campus, who: Any, status: int) -> None:
    ana = campus.visit()
    contest(ana, ana.attempt(KEY, "I say sorry."))
    (row,) = contests(campus)
    stranger = campus.visit(*who)
    assert stranger.get(f"/review/contests/{row.id}").status_code == status
    assert answer(stranger, row.id).status_code == status
    assert contests(campus)[0].state == "open"


def test_each_line_of_the_page_has_a_form_of_its_own(campus: Campus) -> None:
    ana = campus.visit()
    ana.attempt(KEY, "I say sorry.")
    page = ana.get(f"/practice/{KEY}").text
    keys = re.findall(r'name="contest_key" value="([^"]+)"', page)
    assert len(keys) == len(set(keys)) == 2
