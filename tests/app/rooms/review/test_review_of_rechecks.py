"""A re-check is no grade: reviewers and its learner see which lines are met, and no points."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.course.content import PracticeTask
from app.evidence.models import Recheck
from tests.app.rooms.campus import Campus

KEY = "lamp-parcels"
RECHECK = {
    "after_days": 7,
    "situation": "A bowl arrived broken.",
    "ask": "Say what you do now.",
    "criteria": [
        {"id": "photo", "text": "Asks for one photo", "weight": 2, "must": True, "look_for": ["one photo"]},
        {"id": "money", "text": "Says when the money comes", "weight": 1, "look_for": ["in five days"]},
    ],
}


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_a_recheck_shows_met_lines_and_no_points(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    with campus.services.database.write() as session:
        for row in session.scalars(select(PracticeTask).where(PracticeTask.key == KEY)):
            row.definition = {**row.definition, "recheck": RECHECK}
    ana = campus.visit()
    ana.hand_in(ana.attempt(KEY))
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(timedelta(days=8).total_seconds()))
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    with campus.services.database.read() as session:
        page = f"/practice/rechecks/{session.scalars(select(Recheck)).one().id}"
    ana.post(f"{page}/open")
    ana.post(f"{page}/answer", {"response": "The money comes in five days.", "attempt_key": "r"})
    evidence = next(one for one in ivo.waiting() if "Done without help" in ivo.get(f"/review/{one}").text)
    before = words(ivo.get(f"/review/{evidence}").text)
    assert "It finds 1 of 2 lines of the checklist met" in before and "100 points" not in before
    form = {"met_photo": "no", "met_money": "yes", "comment": "", "after": ""}
    assert ivo.post(f"/review/{evidence}/decision", form).status_code == 303
    for shown in (ivo.get(f"/review/{evidence}").text, ana.get(page).text):
        assert "1 of 2 lines of the checklist met" in words(shown)
        assert "Must have, and not met: Asks for one photo" in words(shown)
        assert not re.search(r"of \d+ points", words(shown))
    queue = words(ivo.get("/review").text)
    assert "1 of 2 lines of the checklist met" in queue and "of 100 points" not in queue
    assert "of 100 points" in words(
        ivo.get(f"/review/{next(o for o in ivo.waiting() if o != evidence)}").text
    )
