"""From a question and a scope to an answer: search, the gate, the voice. The steps are told as they happen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from app.coach.answers import Answer
from app.coach.composer import Composer
from retrieval import Exchange, Retrieval, Scope, leans_on_earlier, standalone_question
from retrieval.languages import detect_language

Stage = Literal["searching", "checking", "writing"]

HITS = 8


def answer_question(
    retrieval: Retrieval, question: str, scope: Scope, earlier: Exchange | None = None
) -> Iterator[Stage | Answer]:
    """Yields each stage as it begins and, last, the answer. `earlier` is what was asked and answered just before.

    The gate (`retrieval.judge`) decides covered / partly / not_covered apart from whoever writes the answer. A chat model will
    be a second voice beside the composer here; it gets the same hits and the same verdict.
    """
    yield "searching"
    hits = retrieval.search(question, scope, limit=HITS)
    yield "checking"
    sufficiency = retrieval.judge(question, hits)
    asked = question
    if earlier is not None and sufficiency.verdict != "covered" and _leans(question, earlier):
        # Which reading is meant shows in which one the content answers better.
        in_context = retrieval.search(question, scope, limit=HITS, earlier=earlier)
        judged = retrieval.judge(question, in_context, earlier=earlier)
        if judged.score > sufficiency.score:
            hits, sufficiency, asked = in_context, judged, standalone_question(question, earlier)
    yield "writing"
    yield Composer().compose(asked, hits, sufficiency)


def _leans(question: str, earlier: Exchange) -> bool:
    """In the conversation's language where the question is too short to tell its own."""
    language = detect_language(question, default=detect_language(earlier.question, default="en"))
    return leans_on_earlier(question, language)


def answer_at_once(retrieval: Retrieval, question: str, scope: Scope) -> Answer:
    """The answer without the stages between, for the command line."""
    *_, answer = answer_question(retrieval, question, scope)
    assert isinstance(answer, Answer)
    return answer
