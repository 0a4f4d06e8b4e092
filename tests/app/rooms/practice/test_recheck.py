"""The unaided re-check: due days later, the coach closed meanwhile, one answer, apart from everything done with help."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select

from app.course.content import PracticeTask
from app.evidence.models import Attempt, Confirmation, Evidence, Recheck, ScoreRow
from app.evidence.report import list_scores
from app.kit.clock import now
from tests.app.rooms.campus import Campus, Visit

KEY = "lamp-parcels"
ANSWER = "I ask for one photo of the bowl. The money comes in five days."
RECHECK = {
    "after_days": 7,
    "situation": "A zebra bowl arrived broken.",
    "ask": "Say what you do now.",
    "criteria": [
        {"id": "photo", "text": "Asks for one photo of the bowl", "weight": 2, "must": True, "look_for": ["one photo of the bowl"]},
        {"id": "money", "text": "Says when the money comes", "weight": 1, "look_for": ["the money comes in five days"]},
    ],
}  # fmt: skip


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Moves the application's clock: `days(8)`."""
    yield lambda number: monkeypatch.setenv(
        "WORKSIDE_CLOCK_OFFSET", str(timedelta(days=number).total_seconds())
    )


@pytest.fixture
def school(campus: Campus) -> Campus:
    """The campus, whose tasks have a re-check, and whose visits last."""
    with campus.services.database.write() as session:
        for task in session.scalars(select(PracticeTask)):
            task.definition = {**task.definition, "recheck": RECHECK}
    return campus


def rows(campus: Campus, model: Any) -> list[Any]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def the_recheck(campus: Campus) -> Recheck:
    (row,) = rows(campus, Recheck)
    assert isinstance(row, Recheck)
    return row


def due(campus: Campus, days: Any, after: float = 8) -> tuple[Visit, str]:
    """A learner who has handed in, and comes back when the re-check is due."""
    ana = campus.visit()
    ana.hand_in(ana.attempt(KEY))
    days(after)
    return campus.visit(), f"/practice/rechecks/{the_recheck(campus).id}"


def hand_in(visit: Visit, page: str, words: str = ANSWER, key: str = "r1") -> Response:
    return visit.post(f"{page}/answer", {"response": words, "attempt_key": key})


def test_it_is_due_seven_days_after_handing_in_and_is_said_on_the_first_page(
    school: Campus, days: Any
) -> None:
    ana = school.visit()
    attempt = ana.attempt(KEY)
    assert "7 days later a short re-check without help is due" in ana.get(f"/practice/{KEY}").text
    assert rows(school, Recheck) == []
    ana.hand_in(attempt)
    row = the_recheck(school)
    assert timedelta(days=6, hours=23) < row.due_at - now() <= timedelta(days=7)
    page = f"/practice/rechecks/{row.id}"
    assert "Not yet" in ana.get(page).text and "zebra bowl" not in ana.get(page).text
    early = ana.post(f"{page}/open")
    assert early.status_code == 409 and "not due yet" in early.text
    assert "short re-check" not in ana.get("/").text
    days(7.01)
    ana = school.visit()
    assert "A short re-check of" in ana.get("/").text
    assert "Due now" in ana.get("/practice").text
    before = ana.get(page).text
    assert "The coach is closed to you" in before and "zebra bowl" not in before


def test_ending_practice_or_the_last_try_makes_it_due_too_and_handing_in_later_moves_it(
    school: Campus, days: Any
) -> None:
    ana, ben = school.visit(), school.visit("ben")
    first = ana.attempt(KEY, "I say sorry.")
    ana.post(f"/practice/{KEY}/end")
    for number in range(3):
        ben.attempt(KEY, f"I say sorry, {number}.")
    one, two = rows(school, Recheck)
    assert {one.user_id, two.user_id} == {row.user_id for row in rows(school, Attempt)}
    days(3)
    school.visit().hand_in(first)
    moved = next(row for row in rows(school, Recheck) if row.id == one.id)
    assert timedelta(days=2, hours=23) < moved.due_at - one.due_at < timedelta(days=3, hours=1)


def test_nobody_but_a_learner_gets_one(school: Campus) -> None:
    ivo = school.visit("ivo", "instructor")
    for number in range(3):
        ivo.attempt(KEY, f"I say sorry, {number}.")
    ivo.post(f"/practice/{KEY}/end")
    assert rows(school, Recheck) == []


def test_the_coach_is_closed_while_it_is_open_and_opens_again(school: Campus, days: Any) -> None:
    ana, page = due(school, days)
    assert ana.post(f"{page}/open").status_code == 303
    assert ana.post(f"{page}/open").status_code == 303, "twice is once"
    assert the_recheck(school).openings == 1
    shown = ana.get(page).text
    assert "zebra bowl" in shown and "Asks for one photo" not in shown, "the checklist would be a hint"
    home = ana.get("/").text
    assert "The coach is closed for your re-check" in home and 'action="/ask/turns"' not in home
    refused = ana.post("/ask/turns", {"question": "What do I do about a bowl?"})
    assert refused.status_code == 409 and "end it without an answer" in refused.text
    assert ana.get(f"/practice/{KEY}").headers["location"] == page, "no worked answers beside it"
    other = school.visit("ana", "learner", link="second-activity")
    assert other.post("/ask/turns", {"question": "And here?"}).status_code == 409, "in the whole course"
    assert school.visit("ben").post("/ask/turns", {"question": "How do I greet?"}).status_code == 200
    elsewhere = school.visit("ana", "learner", "depot")
    assert elsewhere.post("/ask/turns", {"question": "How do I greet?"}).status_code == 200
    assert hand_in(ana, page).status_code == 303
    assert ana.post("/ask/turns", {"question": "How do I greet a caller?"}).status_code == 200


def test_it_can_be_ended_without_an_answer_and_comes_again(school: Campus, days: Any) -> None:
    ana, page = due(school, days)
    ana.post(f"{page}/open")
    for _ in range(2):
        assert ana.post(f"{page}/leave").status_code == 303
    row = the_recheck(school)
    assert row.state == "waiting" and row.due_at > now() + timedelta(days=6)
    assert ana.post("/ask/turns", {"question": "How do I greet a caller?"}).status_code == 200
    late = hand_in(ana, page)
    assert late.status_code == 409 and "This re-check is not open" in late.text
    days(16)
    ana, ivo = school.visit(), school.visit("ivo", "instructor")
    ana.post(f"{page}/open")
    hand_in(ana, page)
    evidence = next(row for row in rows(school, Evidence) if row.kind == "recheck")
    assert "had been opened 1 time before" in ivo.get(f"/review/{evidence.id}").text


def test_its_one_answer_is_evidence_without_help_and_touches_no_grade(school: Campus, days: Any) -> None:
    ana, page = due(school, days)
    ana.post(f"{page}/open")
    assert hand_in(ana, page).status_code == 303
    assert hand_in(ana, page, key="another").status_code == 303
    attempts = rows(school, Attempt)
    assert [(row.recheck_id is not None, row.number) for row in attempts] == [(False, 1), (True, 1)]
    practice, recheck = rows(school, Evidence)
    assert (practice.kind, practice.assisted, recheck.kind, recheck.assisted) == (
        "practice",
        True,
        "recheck",
        False,
    )
    assert practice.superseded_by is None and recheck.superseded_by is None
    shown = ana.get(page).text
    assert (
        "Asks for one photo of the bowl" in shown and "Your instructor has your answer and decides" in shown
    )
    ivo = school.visit("ivo", "instructor")
    assert ivo.get("/review").text.count("Re-check without help") == 1
    assert "Done without help" in ivo.get(f"/review/{recheck.id}").text
    form = {"met_photo": "yes", "met_money": "no", "comment": "", "after": ""}
    assert ivo.post(f"/review/{recheck.id}/decision", form).status_code == 303
    (decision,) = rows(school, Confirmation)
    assert decision.criteria == {"photo": True, "money": False} and decision.points == 66.67
    assert rows(school, ScoreRow) == [], "no column takes it"
    assert list_scores(school.services) == [], "nor is it a grade that waits for one"
    assert "looked at your re-check" in ana.get("/").text
    assert "It is no grade" not in ana.get(f"/practice/{KEY}").text
    listed = ana.get("/practice").text
    assert "Handed in, waits for review" in listed, "what was practised stands by itself"
    ivo.decide(practice.id)
    (score,) = rows(school, ScoreRow)
    assert score.evidence_id == practice.id and score.points == 100
    assert ivo.get(f"/submission/{practice.user_id}").headers["location"] == f"/review/{practice.id}"


def test_a_policy_that_asks_for_no_person_does_not_decide_a_recheck(school: Campus, days: Any) -> None:
    with school.services.database.write() as session:
        for task in session.scalars(select(PracticeTask)):
            task.definition = {**task.definition, "completion": "submitted"}
    ana, page = due(school, days)
    ana.post(f"{page}/open")
    hand_in(ana, page)
    assert [row.reviewer_role for row in rows(school, Confirmation)] == ["policy"]
    assert next(row for row in rows(school, Evidence) if row.kind == "recheck").state == "submitted"


def test_sent_at_once_it_is_one_answer(school: Campus, days: Any) -> None:
    ana, page = due(school, days)
    ana.post(f"{page}/open")
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(hand_in(ana, page, key=f"r{n}").status_code))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [303] * 4
    assert len([row for row in rows(school, Attempt) if row.recheck_id]) == 1


def test_nobody_reaches_anothers(school: Campus, days: Any) -> None:
    _, page = due(school, days)
    for stranger in (
        school.visit("ben"),
        school.visit("ana", "learner", "depot"),
        school.visit("ivo", "instructor"),
    ):
        assert stranger.get(page).status_code == 404
        for step in ("open", "leave"):
            assert stranger.post(f"{page}/{step}").status_code in {403, 404}
        assert hand_in(stranger, page).status_code in {403, 404}
    assert the_recheck(school).state == "waiting"


def test_a_line_of_its_feedback_can_be_contested(school: Campus, days: Any) -> None:
    ana, page = due(school, days)
    ana.post(f"{page}/open")
    hand_in(ana, page)
    attempt = next(row for row in rows(school, Attempt) if row.recheck_id)
    form = {"criterion": "money", "about": "suggestion", "words": "It says so.", "contest_key": "c"}
    answer = ana.post(f"/practice/attempts/{attempt.id}/contests", form)
    assert answer.status_code == 303 and answer.headers["location"].startswith(page)
    assert "It says so." in ana.get(page).text


def test_one_at_a_time(school: Campus, days: Any) -> None:
    ana = school.visit()
    for key in (KEY, "vase-parcels"):
        ana.hand_in(ana.attempt(key))
    days(8)
    ana = school.visit()
    one, two = rows(school, Recheck)
    assert ana.post(f"/practice/rechecks/{one.id}/open").status_code == 303
    refused = ana.post(f"/practice/rechecks/{two.id}/open")
    assert refused.status_code == 409 and "Another re-check is open" in refused.text
