"""One tutor was down nine days, with 330 questions and 9 answers, and nobody was told. Here the alarm is heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import select, update

from app.coach.budget import budget_of
from app.coach.chat import Payer, Usage
from app.doctor import examine
from app.kit.metrics import REGISTRY
from app.rooms.ask import live
from app.rooms.ask.jobs import look_for_silence, watch_answers
from app.rooms.ask.models import STOPPED, Conversation, Turn
from tests.app.evidence.course import MovingClock
from tests.app.rooms.admin.signed_in import Operator
from tests.app.rooms.campus import Campus
from tests.fakes.chat_api import ChatApi, broken

QUESTION = "How do I refund a damaged parcel?"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock().install(monkeypatch)


@pytest.fixture
def is_down(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """`is_down["answering"] = True` stops the answering, whatever the cause."""
    state = {"answering": False}
    whole = live.answer_question

    def answer_question(*arguments: Any, **options: Any) -> Any:
        if state["answering"]:
            raise RuntimeError("no answer today")
        return whole(*arguments, **options)

    monkeypatch.setattr(live, "answer_question", answer_question)
    return state


def unanswered() -> float | None:
    return REGISTRY.get_sample_value("workside_questions_unanswered")


def first_words() -> float:
    return REGISTRY.get_sample_value("workside_first_word_seconds_count", {"voice": "composer"}) or 0


def test_questions_without_answers_raise_the_alarm_everywhere(
    campus: Campus, clock: MovingClock, is_down: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    services, ana = campus.services, campus.visit()
    with structlog.testing.capture_logs() as lines:
        before = first_words()
        assert ana.ask(QUESTION)[-1][0] == "done"
        assert first_words() == before + 1
        clock.forward(61)
        watch_answers(services)
        assert unanswered() == 0 and not look_for_silence(services).is_alarming

        is_down["answering"] = True
        for _ in range(3):
            ana.ask(QUESTION)
        watch_answers(services)
        assert unanswered() == 0, "an answer may take a minute"
        clock.forward(61)
        watch_answers(services)
        watch_answers(services)
    silence = look_for_silence(services)
    assert (silence.answered, silence.unanswered, silence.is_alarming) == (1, 3, True)
    assert "workside_questions_unanswered 3.0" in campus.client.get("/metrics").text
    alarms = [line for line in lines if line["event"] == "questions_unanswered"]
    assert [(line["log_level"], line["unanswered"], line["answered"]) for line in alarms] == [
        ("warning", 3, 1)
    ]

    ready = campus.client.get("/readyz")
    assert ready.status_code == 200, "degraded, not unready"
    assert ready.json()["probes"]["answers"].startswith("3 of 4 questions of the last 15 minutes")
    (finding,) = [finding for finding in examine(services) if finding.subject == "silence"]
    assert not finding.is_well and "answer_failed" in finding.says
    operator = Operator(campus)
    operator.sign_in()
    assert "People get no answers" in operator.get("/admin/spending").text

    is_down["answering"] = False
    for _ in range(3):
        ana.ask(QUESTION)
    clock.forward(61)
    with structlog.testing.capture_logs() as lines:
        watch_answers(services)
    assert [line["event"] for line in lines] == ["questions_answered_again"]
    assert campus.client.get("/readyz").json()["probes"]["answers"] == "ok"


def test_who_stops_an_answer_is_not_left_without_one(campus: Campus, clock: MovingClock) -> None:
    ana = campus.visit()
    for _ in range(3):
        ana.ask(QUESTION)
    with campus.services.database.write() as session:
        session.execute(update(Turn).values(state=STOPPED))
    clock.forward(61)
    assert look_for_silence(campus.services).unanswered == 0


@pytest.fixture
def chat_api(campus: Campus) -> Iterator[ChatApi]:
    """A model that is out, and set for the campus."""
    with ChatApi(broken(503)) as api:
        model = {**api.settings, "model_key": SecretStr(api.key), "model_retries": 0}
        campus.services.settings = campus.services.settings.model_copy(update=model)
        yield api


def test_a_model_that_is_out_degrades_and_people_get_answers(
    campus: Campus, clock: MovingClock, chat_api: ChatApi
) -> None:
    """Stop the model, ask, see the alarm: answers go on in the documents' own words."""
    services, ana = campus.services, campus.visit()
    for _ in range(3):
        assert ana.ask(QUESTION)[-1][0] == "done"
        clock.forward(61)
    assert chat_api.requests
    probes = campus.client.get("/readyz").json()
    assert probes["ready"] and "(unavailable)" in probes["probes"]["models"]
    assert "models" in {finding.subject for finding in examine(services) if not finding.is_well}
    silence = look_for_silence(services)
    assert (silence.answered, silence.unanswered) == (3, 0)


def test_over_the_cap_the_documents_answer_and_the_page_says_so(
    campus: Campus, clock: MovingClock, chat_api: ChatApi
) -> None:
    services, ana, budget = campus.services, campus.visit(), budget_of(campus.services)
    ana.ask(QUESTION)
    assert "budget" not in ana.get("/").text
    with services.database.read() as session:
        asked = session.scalars(select(Conversation)).one()
    payer = Payer(asked.organisation_id, asked.context_id, asked.user_id)
    took = budget.caps["learner"].tokens - 100
    budget.settle(budget.reserve(payer, "answer", "fake:model", took, 0), Usage(took, 0), "whole")
    calls = len(chat_api.requests)
    assert ana.ask(QUESTION)[-1][0] == "done"
    assert len(chat_api.requests) == calls, "no call was made"
    with services.database.read() as session:
        answered = session.scalars(select(Turn).order_by(Turn.id.desc()).limit(1)).one()
    assert (answered.state, answered.voice) == ("answered", "composer")
    page = ana.get("/").text
    assert "Your budget for the language model is used up today" in page
    assert "quoted from your documents word for word" in page
