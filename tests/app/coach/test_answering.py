"""Answering: the question alone first, and in its conversation only where the content answers that reading better."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app.coach.answering import answer_question
from app.coach.answers import Answer, Progress, Step
from app.coach.chat import Payer
from app.coach.chat_models import ChatModels, NullMeter
from app.coach.coach import Coach
from app.kit.settings import Settings
from retrieval import Exchange, HashingEmbedder, Hit, Passage, Place, Retrieval, Scope, Sufficiency

SCOPE = Scope("acme", frozenset({"parcels"}))
PAYER = Payer("acme", "course", "ana")
BEFORE = Exchange("How do I refund a damaged parcel?", "Ask for two photos.")


def hit(passage_id: str, text: str) -> Hit:
    passage = Passage(
        passage_id, "d", "parcels", "Handbook", 0, "paragraph", ("Handbook",), text, "en",
        Place("heading", "Handbook"), 0, len(text),
    )  # fmt: skip
    return Hit(passage, 1.0, 1.0, 0.9, "en")


class Shelf(Retrieval):
    """Finds one thing for a question alone and another in its conversation, with the gate's marks as given."""

    def __init__(self, alone: Sufficiency, in_context: Sufficiency) -> None:
        self.marks = {False: alone, True: in_context}
        self.asked: list[tuple[str, bool]] = []
        self.model = HashingEmbedder()

    @property
    def embedder(self) -> Any:
        return self.model

    def search(
        self, question: str, scope: Scope, *, limit: int = 8, earlier: Exchange | None = None
    ) -> list[Hit]:
        assert scope == SCOPE
        self.asked.append((question, earlier is not None))
        if earlier is None:
            return [hit("alone", "The depot opens at seven in the morning.")]
        return [hit("in context", "A refund takes fourteen days from the delivery.")]

    def judge(self, question: str, hits: Sequence[Hit], **how: Any) -> Sufficiency:
        return self.marks[how.get("earlier") is not None]


def mark(verdict: Any, score: float) -> Sufficiency:
    return Sufficiency(verdict, score)


def steps_of(shelf: Shelf, question: str, earlier: Exchange | None = None) -> list[Step]:
    async def all_of() -> list[Step]:
        coach = Coach(shelf, ChatModels(Settings(_env_file=None), NullMeter()))
        return [step async for step in answer_question(coach, question, SCOPE, PAYER, earlier=earlier)]

    return asyncio.run(all_of())


@pytest.mark.parametrize(
    ("alone", "in_context", "quoted"),
    [
        (mark("covered", 0.9), mark("covered", 0.95), "alone"),
        (mark("partly", 0.5), mark("covered", 0.9), "in context"),
        (mark("partly", 0.5), mark("partly", 0.4), "alone"),
        (mark("not_covered", 0.1), mark("partly", 0.5), "in context"),
        (mark("partly", 0.5), mark("partly", 0.5), "alone"),
    ],
)
def test_which_reading_is_meant_shows_in_what_the_content_answers(
    alone: Sufficiency, in_context: Sufficiency, quoted: str
) -> None:
    shelf = Shelf(alone, in_context)
    *steps, answer = steps_of(shelf, "And how long does it take?", BEFORE)
    assert [step.stage for step in steps if isinstance(step, Progress)] == ["searching", "writing"]
    assert isinstance(answer, Answer)
    assert [citation.passage.id for citation in answer.citations] == [quoted]
    assert answer.verdict == (in_context if quoted == "in context" else alone).verdict
    asked_in_context = [one for one in shelf.asked if one[1]]
    assert bool(asked_in_context) is (alone.verdict != "covered"), (
        "a question that stands alone costs one search"
    )


def test_without_a_conversation_there_is_one_search() -> None:
    shelf = Shelf(mark("not_covered", 0.1), mark("covered", 0.9))
    *_, answer = steps_of(shelf, "How long does it take?")
    assert isinstance(answer, Answer) and answer.verdict == "not_covered"
    assert shelf.asked == [("How long does it take?", False)]


def test_a_new_question_never_gets_the_answer_to_the_one_before() -> None:
    """The content answers the earlier question well; this one it does not answer at all."""
    shelf = Shelf(mark("not_covered", 0.1), mark("covered", 0.9))
    *_, answer = steps_of(shelf, "Can I work from home on Fridays?", BEFORE)
    assert isinstance(answer, Answer) and answer.verdict == "not_covered"
    assert shelf.asked == [("Can I work from home on Fridays?", False)]


def test_a_follow_up_with_a_word_of_its_own_that_was_not_found_is_a_new_question() -> None:
    shelf = Shelf(mark("not_covered", 0.1), Sufficiency("covered", 0.9, missing=("brazil",)))
    *_, answer = steps_of(shelf, "And in Brazil?", BEFORE)
    assert isinstance(answer, Answer) and answer.verdict == "not_covered"
