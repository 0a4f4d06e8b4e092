"""From a question and a scope to an answer: search, the gate, the voice. The steps are told as they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from anyio.to_thread import run_sync

from app.coach.answers import Answer, Checked, Progress, Step
from app.coach.chat import Payer
from app.coach.coach import Coach
from app.coach.composer import Composer
from retrieval import (
    Exchange,
    Hit,
    Retrieval,
    Scope,
    Sufficiency,
    leans_on_earlier,
    standalone_question,
)
from retrieval.languages import detect_language

HITS = 8


@dataclass(frozen=True)
class Found:
    """What was looked up for a question: `asked` is the reading of it that the hits answer best."""

    asked: str
    hits: tuple[Hit, ...]
    sufficiency: Sufficiency


async def answer_question(
    coach: Coach,
    question: str,
    scope: Scope,
    payer: Payer,
    *,
    earlier: Exchange | None = None,
    locale: str = "en",
) -> AsyncIterator[Step]:
    """Yields each step as it happens and, last, the answer. `earlier` is what was asked and answered just before.

    The gate (`retrieval.judge`) decides covered / partly / not_covered apart from whoever words the answer.
    """
    yield Progress("searching")
    found = await run_sync(look_up, coach.retrieval, question, scope, earlier, limiter=coach.looking)
    yield Progress("writing")
    answer = await run_sync(
        Composer().compose, found.asked, found.hits, found.sufficiency, limiter=coach.looking
    )
    for sentence in answer.sentences:
        yield Checked(sentence, answer.citations)
    yield answer


def look_up(retrieval: Retrieval, question: str, scope: Scope, earlier: Exchange | None = None) -> Found:
    """Searches and judges; a question that leans on the one before it is also read together with that one."""
    hits = retrieval.search(question, scope, limit=HITS)
    sufficiency = retrieval.judge(question, hits)
    if earlier is not None and sufficiency.verdict != "covered" and _leans(question, earlier):
        # Which reading is meant shows in which one the content answers better.
        in_context = retrieval.search(question, scope, limit=HITS, earlier=earlier)
        judged = retrieval.judge(question, in_context, earlier=earlier)
        if judged.score > sufficiency.score:
            return Found(standalone_question(question, earlier), tuple(in_context), judged)
    return Found(question, tuple(hits), sufficiency)


def _leans(question: str, earlier: Exchange) -> bool:
    """In the conversation's language where the question is too short to tell its own."""
    language = detect_language(question, default=detect_language(earlier.question, default="en"))
    return leans_on_earlier(question, language)


def answer_at_once(coach: Coach, question: str, scope: Scope, payer: Payer) -> Answer:
    """The answer without the steps between, for the command line."""

    async def last() -> Answer:
        async for step in answer_question(coach, question, scope, payer):
            if isinstance(step, Answer):
                return step
        raise AssertionError("answer_question ends with the answer")

    return asyncio.run(last())
