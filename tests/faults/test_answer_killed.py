"""kill -9 while an answer is written, and two tabs at once: on both databases the turn is answered once, and none is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import select

from app.coach.answers import Answer, Step
from app.course.access import Visitor
from app.course.services import Services
from app.kit.settings import Settings
from app.rooms.ask.asking import Outcome, claim_turn, finish_turn, open_turn
from app.rooms.ask.conversations import list_conversations
from app.rooms.ask.live import live_answers_of
from app.rooms.ask.models import ANSWERED, ASKED, Turn
from tests.app.evidence.course import LEARNERS, Course

ROOT = Path(__file__).parents[2]
QUESTION = "How do I refund a damaged parcel?"


@pytest.fixture
def visitor(course: Course) -> Visitor:
    return course.visitor(LEARNERS[0])


def turns(services: Services) -> list[Turn]:
    with services.database.read() as session:
        return list(session.scalars(select(Turn).order_by(Turn.number)))


def test_a_killed_process_leaves_a_question_that_another_answers_once(
    services: Services, settings: Settings, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKSIDE_")}
    environment = {
        **inherited,
        "WORKSIDE_DATA_DIR": str(settings.data_dir),
        "WORKSIDE_DATABASE_URL": settings.database_url,
        "WORKSIDE_DEMO": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.answering", json.dumps(asdict(visitor))],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        turn_id = process.stdout.readline().strip()
        assert turn_id, process.stderr.read()
        assert [(turn.id, turn.state) for turn in turns(services)] == [(turn_id, ASKED)]
        assert claim_turn(services, visitor, turn_id) is None, "whoever answers is alive"
        process.send_signal(signal.SIGKILL)
    answered: list[str] = []

    async def quick(_coach: object, question: str, *_: object, **_named: object) -> AsyncIterator[Step]:
        answered.append(question)
        yield Answer("not_covered")

    monkeypatch.setattr("app.rooms.ask.live.answer_question", quick)

    async def follow() -> list[str]:
        return [event.name async for event in live_answers_of(services).follow(visitor, turn_id)]

    async def two_tabs() -> list[list[str]]:
        return list(await asyncio.gather(follow(), follow()))

    assert all(names[-1] == "done" for names in asyncio.run(two_tabs()))
    assert answered == [QUESTION]
    (turn,) = turns(services)
    assert (turn.state, turn.verdict, turn.tries, turn.lease_owner) == (ANSWERED, "not_covered", 2, None)


def test_two_tabs_at_once_number_each_turn_once(services: Services, visitor: Visitor) -> None:
    first = open_turn(services, visitor, QUESTION).turn

    def ask(number: int) -> str:
        opened = open_turn(services, visitor, f"Number {number}", conversation_id=first.conversation_id)
        assert finish_turn(services, visitor, opened, Outcome(ANSWERED, Answer("not_covered"))) is not None
        return opened.turn.id

    with ThreadPoolExecutor(8) as tabs:
        ids = list(tabs.map(ask, range(16)))
    found = turns(services)
    assert [turn.number for turn in found] == list(range(1, 18))
    assert {turn.id for turn in found} == {first.id, *ids}


def test_words_are_found_whatever_their_case_and_accents(services: Services, visitor: Visitor) -> None:
    for question in ("Onde fica o CAFÉ de São João?", "Is it 50% or 5_0?"):
        open_turn(services, visitor, question)
    with services.database.read() as session:
        found = {
            query: [one.title[:2] for one in list_conversations(session, visitor, query)[0]]
            for query in ("cafe sao", "café SÃO", "50%", "5_0", "5%0", "_", "%%")
        }
    assert found == {
        "cafe sao": ["On"],
        "café SÃO": ["On"],
        "50%": ["Is"],
        "5_0": ["Is"],
        "5%0": [],
        "_": ["Is"],
        "%%": [],
    }
