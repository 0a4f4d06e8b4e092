"""One task in several activities of a course: its worked answers are seen once, its re-check is done once, its coach is one coach."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.course.content import PracticeTask
from app.evidence.models import Attempt, Evidence, Recheck
from tests.app.rooms.campus import Campus

KEY, OTHER_TASK = "lamp-parcels", "vase-parcels"
STRONG = "I ask for two photos of the parcel. I refund the price."
RECHECK = {
    "after_days": 7,
    "situation": "A zebra bowl arrived broken.",
    "ask": "Say what you do now.",
    "criteria": [{"id": "photo", "text": "Asks for a photo", "weight": 1, "must": True, "look_for": ["a photo"]}],
}  # fmt: skip


@pytest.fixture
def school(campus: Campus) -> Campus:
    with campus.services.database.write() as session:
        for task in session.scalars(select(PracticeTask)):
            task.definition = {**task.definition, "recheck": RECHECK}
    return campus


def test_the_worked_answers_seen_in_one_activity_count_in_the_others(school: Campus) -> None:
    coach, column = school.visit(), school.visit(link="the-column", custom={"task": KEY})
    coach.attempt(KEY, "I say sorry.")
    assert "You have 2 tries left of 3" in column.get(f"/practice/{KEY}").text
    coach.post(f"/practice/{KEY}/end")
    page = column.get(f"/practice/{KEY}").text
    assert STRONG in page and "your instructor is told that it came after them" in page

    late = column.attempt(KEY, STRONG)
    assert column.hand_in(late).status_code == 303
    again = column.post(f"/practice/{KEY}/attempts", {"response": STRONG, "attempt_key": "further"})
    assert again.status_code == 409, "one, so that the column does not stay empty for ever"
    ivo = school.visit("ivo", "instructor", link="the-column", custom={"task": KEY})
    (waiting,) = ivo.waiting()
    assert "written after its author had seen the worked answers" in ivo.get(f"/review/{waiting}").text
    with school.services.database.read() as session:
        attempts = session.scalars(select(Attempt).order_by(Attempt.id))
        assert [bool(one.remarks.get("after_worked")) for one in attempts] == [False, True]


def test_one_recheck_for_a_course_and_nothing_of_the_coach_while_it_is_open(
    school: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = school.visit()
    told = dict(asked.ask("What do I ask for when a lamp arrives broken?"))
    turn, conversation = told["opened"]["turn_id"], told["opened"]["conversation_id"]
    for link in ("one", "two"):
        visit = school.visit(link=link)
        visit.hand_in(visit.attempt(KEY))
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(timedelta(days=8).total_seconds()))
    with school.services.database.read() as session:
        (row,) = session.scalars(select(Recheck))
    coach, one = school.visit(), school.visit(link="one")
    page = f"/practice/rechecks/{row.id}"
    assert one.post(f"{page}/open").status_code == 303

    for key in (KEY, OTHER_TASK):
        assert coach.get(f"/practice/{key}").headers["location"] == page
        refused = coach.post(f"/practice/{key}/attempts", {"response": "a photo", "attempt_key": key})
        assert refused.status_code == 409 and "The coach is closed" in refused.text
        assert coach.post(f"/practice/{key}/end").status_code == 409
    for path in (
        f"/ask/conversations/{conversation}/export", f"/ask/turns/{turn}/events", f"/sources/{turn}/1", "/ask/conversations",
        f"/ask/turns/{turn}/hand-off",
    ):  # fmt: skip
        assert coach.get(path).status_code == 409, path
    assert "lamp" not in coach.get("/plan/new").text
    assert "lamp" not in coach.get(f"/plan/new?from=turn:{turn}").text

    assert one.post(f"{page}/answer", {"response": "a photo", "attempt_key": "r"}).status_code == 303
    assert coach.get(f"/ask/conversations/{conversation}/export").status_code == 200
    assert coach.post(f"{page}/open").status_code == 409
    with school.services.database.read() as session:
        assert [e.kind for e in session.scalars(select(Evidence)) if not e.assisted] == ["recheck"]
