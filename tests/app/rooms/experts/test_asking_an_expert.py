"""A learner hands a question on: what goes, to whom, until when; and takes it back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.coach.hand_offs import MOST_OPEN, work_next_hand_off, working_days_after
from app.coach.models import HandOff
from app.kit.audit import AuditEvent
from app.kit.clock import now
from app.kit.i18n import day_in
from tests.app.rooms.campus import Campus, Visit
from tests.app.rooms.experts.asking import (
    NOT_COVERED,
    ask,
    expert_named,
    hand_off,
    name_expert,
    row_of,
    user_id_of,
)

HANNE = "Hanne of north parcels"


@pytest.fixture
def ana(campus: Campus) -> Visit:
    return campus.visit()


@pytest.fixture
def ivo(campus: Campus) -> Visit:
    return campus.visit("ivo", "instructor")


def test_the_form_shows_what_goes_to_whom_and_until_when(ana: Visit) -> None:
    page = ana.get(f"/ask/turns/{ask(ana)}/hand-off").text
    due = day_in("en", working_days_after(now(), 3).date())
    for part in (NOT_COVERED, HANNE, "Safety officer", f"Answer expected by {due}", "all that they see"):
        assert part in page
    assert "The instructors of this course" in page, "somebody can always be asked"
    assert "checked" not in page.partition('name="name"')[2][:30], "the name is shown only where one says so"


def test_what_is_sent_is_what_stood_in_the_form_and_nothing_else(campus: Campus, ana: Visit) -> None:
    ask(ana, "How do I refund a damaged parcel? zebraearlier")
    row = row_of(campus, hand_off(ana, ask(ana), question="  Which colour?\r\nAnd why? ", situation=""))
    assert (row.question, row.situation, row.shows_name) == ("Which colour?\nAnd why?", "", False)
    assert row.places and {"document", "place"} == set(row.places[0])
    assert "zebraearlier" not in str(vars(row))
    assert row.due_at == row.step_at == working_days_after(row.sent_at, 3)


def test_the_places_stay_where_the_learner_leaves_them_out(campus: Campus, ana: Visit) -> None:
    assert row_of(campus, hand_off(ana, ask(ana), places="")).places == []


def test_the_learner_sees_who_has_it_and_until_when(campus: Campus, ana: Visit) -> None:
    row = row_of(campus, hand_off(ana, ask(ana)))
    due = day_in("en", row.due_at.date())
    home = ana.get("/").text
    assert f"{HANNE} has your question. Answer expected by {due}" in home, "on Home"
    assert f"{HANNE} has this question. An answer is expected by {due}." in home, "below the turn"
    page = ana.get(f"/ask/hand-offs/{row.id}").text
    assert f"{HANNE} has your question" in page and "Take the question back" in page
    again = ana.get(f"/ask/turns/{row.turn_id}/hand-off")
    assert again.headers["location"] == f"/ask/hand-offs/{row.id}", "it is with somebody already"


def test_two_clicks_are_one_question(campus: Campus, ana: Visit) -> None:
    turn_id = ask(ana)
    first = hand_off(ana, turn_id)
    second = ana.post(f"/ask/turns/{turn_id}/hand-off", {"question": "x", "expert": ""})
    assert second.headers["location"] == f"/ask/hand-offs/{first}"
    assert campus.count(HandOff) == 1


def test_a_question_that_is_taken_back_is_gone_for_everybody(campus: Campus, ana: Visit, ivo: Visit) -> None:
    hand_off_id = hand_off(ana, ask(ana))
    assert NOT_COVERED in ivo.get("/experts").text
    assert ana.post(f"/ask/hand-offs/{hand_off_id}/withdraw").status_code == 303
    row = row_of(campus, hand_off_id)
    assert (row.state, row.question, row.situation, row.places) == ("withdrawn", "", "", [])
    assert "You took this question back" in ana.get(f"/ask/hand-offs/{hand_off_id}").text
    assert ivo.get(f"/experts/questions/{hand_off_id}").status_code == 404
    assert NOT_COVERED not in ivo.get("/experts").text
    assert hand_off(ana, row.turn_id) != hand_off_id, "it can be sent again"


def test_who_has_five_open_questions_waits(campus: Campus, ana: Visit) -> None:
    for number in range(MOST_OPEN):
        hand_off(ana, ask(ana, f"Which colour has zebraroof {number}?"))
    refused = ana.post(f"/ask/turns/{ask(ana)}/hand-off", {"question": "One more", "expert": ""})
    assert refused.status_code == 409 and "five questions" in refused.text
    assert campus.count(HandOff) == MOST_OPEN


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"question": "  \n "}, 422),
        ({"question": "x" * 2001}, 422),
        ({"situation": "x" * 501}, 422),
        ({"expert": "0" * 32}, 404),
    ],
)
def test_half_a_question_is_refused_and_nothing_kept(
    campus: Campus, ana: Visit, fields: dict[str, str], status: int
) -> None:
    form = {"question": "Why?", "situation": "", "expert": ""} | fields
    assert ana.post(f"/ask/turns/{ask(ana)}/hand-off", form).status_code == status
    assert campus.count(HandOff) == 0


def test_nobody_else_reaches_a_turn_or_a_question(campus: Campus, ana: Visit) -> None:
    turn_id = ask(ana)
    hand_off_id = hand_off(ana, turn_id)
    strangers = [
        campus.visit("ben"),
        campus.visit("ana", "learner", "depot"),
        campus.visit("ana", "learner", "parcels", "south"),
        campus.visit("ivo", "instructor"),
    ]
    for other in strangers:
        for path in (f"/ask/turns/{turn_id}/hand-off", f"/ask/hand-offs/{hand_off_id}"):
            assert other.get(path).status_code == 404
        assert other.post(f"/ask/turns/{turn_id}/hand-off", {"question": "x"}).status_code == 404
        assert other.post(f"/ask/hand-offs/{hand_off_id}/withdraw").status_code == 404
    assert row_of(campus, hand_off_id).state == "open"


def test_an_expert_of_another_course_or_organisation_can_not_be_asked(campus: Campus, ana: Visit) -> None:
    ivo = campus.visit("ivo", "instructor", "depot")
    name_expert(ivo, name="Zoe", topics="zebraroof")
    turn_id = ask(ana)
    for name in ("Zoe", "Hanne of south parcels", "Hanne of north depot"):
        form = {"question": "Why?", "expert": expert_named(campus, name).id}
        assert ana.post(f"/ask/turns/{turn_id}/hand-off", form).status_code == 404, name
    assert campus.count(HandOff) == 0


def test_whose_topics_fit_comes_first_and_nobody_asks_themselves(
    campus: Campus, ana: Visit, ivo: Visit
) -> None:
    name_expert(ivo, person=user_id_of(campus, "north-ana"), topics="zebraroof")
    name_expert(ivo, name="Olu", topics="zebraroof, paint", days="1")
    page = ana.get(f"/ask/turns/{ask(ana)}/hand-off").text
    assert page.index("Olu") < page.index(HANNE)
    assert "Ana of north" not in page.partition("Who it goes to")[2].partition("Show my name")[0]
    row = row_of(campus, hand_off(ana, ask(ana, "Which colour has the zebraroof?")))
    assert row.due_at == working_days_after(row.sent_at, 1), "the expert's own expectation"


def test_somebody_whom_the_platform_does_not_name_asks_nobody(campus: Campus) -> None:
    """Nothing is kept for them, so there is no turn to hand on either."""
    assert campus.visit("ben").get("/ask/turns/unkept/hand-off").status_code == 404


def test_weekends_are_no_working_days() -> None:
    friday = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
    assert working_days_after(friday, 1) == datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
    assert working_days_after(friday + timedelta(days=1), 1).weekday() == 0
    assert working_days_after(friday, 5) == friday + timedelta(days=7)


def test_no_word_of_a_question_is_in_the_audit_log(campus: Campus, ana: Visit) -> None:
    hand_off(ana, ask(ana), question="zebraquestion", situation="zebrasituation")
    with campus.services.database.read() as session:
        events = session.scalars(select(AuditEvent)).all()
    assert "hand_off.sent" in {event.action for event in events}
    assert not any("zebra" in str(vars(event)) for event in events)


def test_a_reminder_then_the_next_in_line_then_the_instructors(
    campus: Campus, ana: Visit, ivo: Visit, later: Callable[[timedelta], None]
) -> None:
    name_expert(ivo, name="Olu", topics="zebraroof")
    hand_off_id = hand_off(ana, ask(ana))
    assert not work_next_hand_off(campus.services), "not before its day"

    def work_after(days: int) -> HandOff:
        later(timedelta(days=days))
        assert work_next_hand_off(campus.services)
        assert not work_next_hand_off(campus.services), "once"
        return row_of(campus, hand_off_id)

    row = work_after(6)
    assert row.reminded_at is not None and row.passed_on_at is None
    assert "they were reminded" in campus.visit().get(f"/ask/hand-offs/{hand_off_id}").text
    row = work_after(10)
    assert row.passed_on_at is not None and row.fallback_expert_id is None
    assert f"{HANNE} has your question" in campus.visit().get("/").text, "the next in line, as was said"
    assert "Passed on after no answer" in campus.visit("ivo", "instructor").get("/experts").text
    work_after(17)
    row = work_after(21)
    assert row.expert_id is None, "then the instructors"
    assert "The instructors have your question" in campus.visit().get("/").text
    row = work_after(28)
    assert (row.step_at, row.state) == (None, "open"), "with them it stays"


def test_who_was_taken_off_the_list_gets_nothing_passed_on(
    campus: Campus, ana: Visit, ivo: Visit, later: Callable[[timedelta], None]
) -> None:
    name_expert(ivo, name="Olu", topics="zebraroof")
    name_expert(ivo, name="Eva", topics="")
    hand_off_id = hand_off(ana, ask(ana))
    assert row_of(campus, hand_off_id).fallback_expert_id == expert_named(campus, "Eva").id
    assert ivo.post(f"/experts/people/{expert_named(campus, 'Eva').id}/remove").status_code == 303
    for days in (6, 10):
        later(timedelta(days=days))
        assert work_next_hand_off(campus.services)
    assert row_of(campus, hand_off_id).expert_id is None


def test_two_workers_remind_once(campus: Campus, ana: Visit, later: Callable[[timedelta], None]) -> None:
    for number in range(3):
        hand_off(ana, ask(ana, f"Which colour has zebraroof {number}?"))
    later(timedelta(days=6))
    done: list[bool] = []

    def work() -> None:
        while work_next_hand_off(campus.services):
            done.append(True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 3
    with campus.services.database.read() as session:
        reminded = select(func.count()).where(AuditEvent.action == "hand_off.reminded")
        assert session.scalar(reminded) == 3


def test_killed_in_the_middle_it_has_not_happened(
    campus: Campus, ana: Visit, later: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_off_id = hand_off(ana, ask(ana))
    later(timedelta(days=6))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("app.coach.hand_offs.record_event_of", killed)
        work_next_hand_off(campus.services)
    row = row_of(campus, hand_off_id)
    assert (row.reminded_at, row.lease_owner) == (None, None)
    assert work_next_hand_off(campus.services)
