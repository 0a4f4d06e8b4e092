"""The whole chain on a real model. What is checked is the machinery: a model of 135 million weights is not asked to be clever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field
from sqlalchemy import select

from app.coach.answering import answer_question
from app.coach.answers import Answer, Checked, Step
from app.coach.budget import SETTLED, budget_of
from app.coach.chat import Message, Payer, Usage
from app.coach.chat_models import ChatModels
from app.coach.coach import coach_of
from app.coach.models import ModelCall
from app.course.loading import load_course, organisation_named
from app.course.services import Services, make_services
from app.kit.settings import Settings
from app.rooms.library.service import take_in
from app.terminal import progress_bar
from retrieval import Scope
from tests.local_model.conftest import ROOT

pytestmark = pytest.mark.timeout(900)

PASSAGE = (
    "An invoice above 5,000 euros is signed by two people: the head of the department and the controller."
)
MESSAGES = [
    Message("system", "Answer the question in one sentence from the text."),
    Message("user", f"{PASSAGE}\nWho signs an invoice of 7,000 euros?"),
]
QUESTION = "A parcel arrived damaged. What do I ask the customer for?"


class Noted:
    """A meter that keeps what it was told."""

    def __init__(self) -> None:
        self.settled: list[tuple[Usage | None, str]] = []

    def reserve(self, *_: Any) -> int:
        return 1

    def settle(self, _: int, usage: Usage | None, outcome: str) -> None:
        self.settled.append((usage, outcome))


class Signers(BaseModel):
    """How many people sign."""

    people: int = Field(ge=0, le=9)


def test_it_streams_counts_and_stops_when_it_is_told_to(local_model: dict[str, Any]) -> None:
    meter = Noted()
    models = ChatModels(Settings(_env_file=None, **local_model), meter)
    payer = Payer("", "", "")

    async def listen() -> tuple[list[str], float, float]:
        began = time.monotonic()
        pieces, first = [], 0.0
        async for piece in models.stream("answer", MESSAGES, payer, most_tokens=60):
            first = first or time.monotonic() - began
            pieces.append(piece)
        stream = models.stream("answer", MESSAGES, payer, most_tokens=60)
        assert await anext(stream)
        await stream.aclose()
        return pieces, first, time.monotonic() - began

    pieces, first, seconds = asyncio.run(listen())
    (whole, outcome), (part, stopped) = meter.settled
    print(f"\n{''.join(pieces)}\nfirst word {first:.1f} s, {len(pieces)} pieces in {seconds:.1f} s, {whole}")
    assert len(pieces) > 3
    assert (outcome, stopped) == ("whole", "stopped")
    assert whole is not None
    assert not whole.is_estimated
    assert whole.input_tokens > 30
    assert part is not None
    assert part.is_estimated


def test_it_gives_structured_output(local_model: dict[str, Any]) -> None:
    models = ChatModels(Settings(_env_file=None, **local_model), Noted())
    found = asyncio.run(models.complete_as(Signers, "feedback", MESSAGES, Payer("", "", ""), most_tokens=60))
    print(f"\n{found!r}, by its own schema: {models.has_own_schema('feedback')}")
    assert models.has_own_schema("feedback")


@pytest.fixture
def course(
    tmp_path: Path, migrated_database: Path, local_model: dict[str, Any]
) -> Iterator[tuple[Services, Scope]]:
    """The sample course with the embedder that ships."""
    (tmp_path / "workside.db").write_bytes(migrated_database.read_bytes())
    settings = Settings(_env_file=None, data_dir=tmp_path, demo=True, worker="separate", **local_model)
    services = make_services(settings)
    with services.database.write() as session:
        organisation_id = organisation_named(session, "Fenn", create=True).id
    loaded = load_course(services, ROOT / "content", organisation_id)
    with progress_bar() as bar:
        reports = take_in(services, loaded, bar)
    assert all(report["status"] == "ready" for report in reports)
    collections = services.retrieval.collections(organisation_id)
    yield services, Scope(organisation_id, frozenset(one.id for one in collections))
    services.close()


def test_the_coach_answers_a_question_of_the_sample_course_through_the_whole_chain(
    course: tuple[Services, Scope],
) -> None:
    services, scope = course
    coach = coach_of(services)
    payer = Payer(scope.organisation_id, "", "")

    async def ask() -> tuple[list[Step], float, float]:
        began = time.monotonic()
        steps, first = [], 0.0
        async for step in answer_question(coach, QUESTION, scope, payer):
            steps.append(step)
            if type(step).__name__ in {"Draft", "Checked"}:
                first = first or time.monotonic() - began
        return steps, first, time.monotonic() - began

    steps, first, seconds = asyncio.run(ask())
    *before, answer = steps
    assert isinstance(answer, Answer)
    print(
        f"\nvoice {answer.voice}, note {answer.note!r}, {answer.verdict}, first words {first:.1f} s, whole {seconds:.1f} s"
    )
    for sentence in answer.sentences:
        print(f"  [{'verified' if sentence.is_verified else 'unverified'}] {sentence.text}")
    # Whoever had the last word, the turn is whole and what it cites stands in the passages of the scope.
    assert answer.verdict != "not_covered"
    assert answer.sentences
    assert any(isinstance(step, Checked) for step in before)
    found = {hit.passage.id: hit.passage.text for hit in answer.hits}
    for citation in answer.citations:
        assert citation.passage.id in found
        assert citation.quote in citation.passage.text
    if answer.voice == "composer":
        assert answer.note, "the composer took over from the model and says why"
        assert all(sentence.is_verified for sentence in answer.sentences)
    # The budget knows what the call took, and nothing of it is left open.
    with services.database.read() as session:
        calls = list(session.scalars(select(ModelCall)))
    print("  calls:", [(call.purpose, call.outcome, call.tokens_reserved) for call in calls])
    assert calls
    assert {call.state for call in calls} == {SETTLED}
    assert budget_of(services).level(payer) is None
