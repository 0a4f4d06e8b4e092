"""Asking an expert, as the tests do it: through the pages' own forms."""

from __future__ import annotations

import re
from typing import Any

from httpx import Response
from sqlalchemy import select

from app.coach.models import ExpertAnswer, HandOff
from app.course.content import Expert
from app.course.models import User
from app.rooms.ask.models import Turn
from tests.app.rooms.campus import TOOL, Campus, Visit

NOT_COVERED = "Which colour does the zebraroof of the canteen have?"
TEXT = "The zebraroof of the canteen has the colour green: it is painted green every spring."


def ask(visit: Visit, question: str = NOT_COVERED) -> str:
    """Asks the coach; returns the turn's id."""
    return str(next(data for name, data in visit.ask(question) if name == "opened")["turn_id"])


def hand_off(visit: Visit, turn_id: str, **fields: str) -> str:
    """Sends the turn's question with the form as it stands, changed by `fields`; returns the hand-off's id."""
    page = visit.get(f"/ask/turns/{turn_id}/hand-off").text
    chosen = re.search(r'name="expert" value="([^"]*)" required checked', page)
    assert chosen, page
    form = {"question": NOT_COVERED, "situation": "On the phone.", "expert": chosen[1], "places": "yes"}
    sent = visit.post(f"/ask/turns/{turn_id}/hand-off", form | fields)
    assert sent.status_code == 303, sent.text
    return str(sent.headers["location"].rpartition("/")[2])


def answer(visit: Visit, hand_off_id: str, **fields: str) -> Response:
    """Answers in the tool."""
    form = {"text": TEXT, "title": NOT_COVERED, "citable": "yes", "review": "", "instead_of": ""}
    return visit.post(f"/experts/questions/{hand_off_id}/answer", form | fields)


def new_link(visit: Visit, hand_off_id: str) -> str:
    """The path of a link that the instructor makes."""
    page = visit.post(f"/experts/questions/{hand_off_id}/links")
    found = re.search(rf'value="{TOOL}(/answer/[^"]+)"', page.text)
    assert found, page.text
    return found[1]


def confirm(visit: Visit, answer_id: str) -> Response:
    """Lets the coach cite an answer that came by a link."""
    return visit.post(f"/experts/answers/{answer_id}/confirm")


def row_of(campus: Campus, hand_off_id: str) -> HandOff:
    with campus.services.database.read() as session:
        return session.get_one(HandOff, hand_off_id)


def answers_of(campus: Campus) -> list[ExpertAnswer]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(ExpertAnswer).order_by(ExpertAnswer.id)))


def expert_named(campus: Campus, name: str) -> Expert:
    with campus.services.database.read() as session:
        return session.scalars(select(Expert).where(Expert.name == name)).one()


def user_id_of(campus: Campus, sub: str) -> str:
    with campus.services.database.read() as session:
        return session.scalars(select(User.id).where(User.sub == sub)).one()


def name_expert(ivo: Visit, **fields: str) -> None:
    """An instructor names an expert for their course."""
    named = ivo.post("/experts/people", {"person": "", "name": "", "email": "", "topics": "", **fields})
    assert named.status_code == 303, named.text


def sources_of(visit: Visit, question: str) -> list[dict[str, Any]]:
    """What the coach cites when this person asks."""
    turn_id = ask(visit, question)
    with visit.client.app.state.database.read() as session:  # type: ignore[attr-defined]
        stored = session.get_one(Turn, turn_id).answer
    return [*stored["citations"], *stored["closest"]]
