"""What the content does not cover: counted by topic, and nobody's words unless five people or their own choice stand behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.coach.answers import Answer
from app.coach.content_gaps import record_gap, remove_old_words
from app.coach.models import ContentGap
from app.rooms.ask.models import Conversation
from tests.accessibility.states import visitor
from tests.app.rooms.campus import Campus, Visit
from tests.app.rooms.experts.asking import NOT_COVERED, answer, ask, hand_off


@pytest.fixture
def ivo(campus: Campus) -> Visit:
    return campus.visit("ivo", "instructor")


def gaps(campus: Campus) -> list[ContentGap]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(ContentGap).order_by(ContentGap.id)))


def test_under_five_people_only_the_topic_and_the_count_are_shown(campus: Campus, ivo: Visit) -> None:
    for who in ("ana", "ben", "cleo", "dora"):
        ask(campus.visit(who))
    ask(campus.visit("ana"), f"{NOT_COVERED} Again?")
    page = ivo.get("/experts/gaps").text
    assert "zebraroof" not in page and "Ana of" not in page
    assert "Fewer than five people asked" in page
    assert len({row.user_id for row in gaps(campus)}) == 4


def test_from_five_people_on_words_are_shown_without_what_tells_of_one(campus: Campus, ivo: Visit) -> None:
    for number, who in enumerate(("ana", "ben", "cleo", "dora", "eva")):
        ask(campus.visit(who), f"{NOT_COVERED} Write to zebra{number}@example.org or call +49 170 1234567.")
    assert len({row.topic_key for row in gaps(campus)}) == 1
    page = ivo.get("/experts/gaps").text
    assert "zebraroof" in page
    assert "@example.org" not in page and "1234567" not in page and "Eva of north" not in page


def test_words_that_somebody_handed_on_are_shown_with_who_answered(campus: Campus, ivo: Visit) -> None:
    ana = campus.visit()
    hand_off_id = hand_off(
        ana, ask(ana), question="Which paint is on the zebraroof? zebra@example.org, 4900012345678"
    )
    ask(campus.visit("ben"), f"{NOT_COVERED} zebraprivate")
    page = ivo.get("/experts/gaps").text
    assert "Which paint is on the zebraroof?" in page and "zebraprivate" not in page
    assert "zebra@example.org" not in page and "4900012345678" not in page
    assert "answered on" not in page
    answer(ivo, hand_off_id)
    assert "Ivo of north answered on" in ivo.get("/experts/gaps").text


def test_a_gap_stands_under_its_nearest_heading_and_a_turn_is_one_gap(campus: Campus) -> None:
    ask(campus.visit())
    (row,) = gaps(campus)
    assert row.verdict in {"partly", "not_covered"}
    assert row.topic in {"Damaged parcels", "Stuck belts", "How do I greet a caller?"}
    assert row.document == "Handbook of north parcels"


def test_what_is_covered_and_what_nobody_in_particular_asked_is_no_gap(campus: Campus) -> None:
    ask(campus.visit())
    (row,) = gaps(campus)
    who = visitor("learner")
    with campus.services.database.write() as session:
        record_gap(session, who, "0" * 32, "q", Answer("covered"))
        record_gap(session, replace(who, is_anonymous=True), "0" * 32, "q", Answer("not_covered"))
        record_gap(session, who, row.turn_id, "q", Answer("not_covered"))
    assert [kept.id for kept in gaps(campus)] == [row.id]


def test_deleting_a_conversation_deletes_its_gaps(campus: Campus) -> None:
    ana = campus.visit()
    ask(ana)
    with campus.services.database.read() as session:
        conversation_id = session.scalars(select(Conversation.id)).one()
    assert ana.post(f"/ask/conversations/{conversation_id}/delete").status_code == 303
    assert gaps(campus) == []


def test_words_go_after_90_days_and_the_row_after_a_year(
    campus: Campus, later: Callable[[timedelta], None]
) -> None:
    ask(campus.visit())
    for days, expected in ((89, [True]), (91, [False]), (366, [])):
        later(timedelta(days=days))
        remove_old_words(campus.services)
        assert [row.question is not None for row in gaps(campus)] == expected


@pytest.mark.parametrize("where", [("depot", "north"), ("parcels", "south")])
def test_a_course_sees_its_own_gaps_only(campus: Campus, where: tuple[str, str]) -> None:
    ask(campus.visit())
    page = campus.visit("ivo", "instructor", *where).get("/experts/gaps").text
    assert "Nothing is missing so far" in page


def test_a_learner_sees_none(campus: Campus) -> None:
    assert campus.visit().get("/experts/gaps").status_code == 403
