"""Explaining back: one question after an unblock, and what the learner's own words have of what the sources say.

Formative and nothing else: it is never scored, and it counts for nothing. Each key statement of the answer is compared with the
learner's sentences, without a model by `retrieval.short_answers`. A chat model, where one is on, only points at the learner's
words that say a statement; code looks whether they stand there and decides what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anyio import to_thread
from pydantic import BaseModel, Field

from app.coach.budget import BudgetSpent
from app.coach.chat import ModelFailed, Payer
from app.coach.chat_models import ChatModels
from app.coach.guard import new_mark, without_addresses
from app.coach.hints import Said, Sort, sort_of
from app.coach.prompts import prompt_named
from app.coach.units import units_of
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator
from retrieval import Embedder
from retrieval.languages import detect_language, words
from retrieval.quantities import Number, numbers_in
from retrieval.short_answers import Agreement, assess_answer

Status = Literal["there", "partly", "missing"]
Voice = Literal["code", "model"]

LONGEST_REPLY = 2000
MOST_POINTS = 3
_MOST_SENTENCES = 8
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
# The digits of a name such as "A4", which is no number.
_CODE = re.compile(r"(?<=[^\W\d_])\d+(?:[.,:]\d+)*")
# So many words in a row are the document's and not one's own.
_COPIED_WORDS = 7
# Of nearness in meaning from 0 to 1 (retrieval.short_answers): sentences on other subjects lie below .2.
_NEAR = 0.3

_QUESTIONS: dict[Sort, str] = {
    "steps": N_("In your own words: what do you do first when it is about “%(topic)s”, and what comes next?"),
    "cases": N_("In your own words: which case of “%(topic)s” is yours, and what holds for it?"),
    "figure": N_("In your own words: which figure counts for “%(topic)s”, and for what exactly?"),
    "condition": N_("In your own words: when is it allowed, and when not? It is about “%(topic)s”."),
}
_QUESTION = N_("In your own words: what would you tell a colleague about “%(topic)s”?")


@dataclass(frozen=True)
class Point:
    """One statement of the sources and what the learner's words have of it. `quote` are their words, verbatim."""

    statement: str
    status: Status
    quote: str = ""
    lacks_figure: bool = False


@dataclass(frozen=True)
class Feedback:
    """What is there and what is missing, point by point. `is_copied`: the reply has a long stretch of the document's own words."""

    points: tuple[Point, ...]
    is_copied: bool
    voice: Voice = "code"

    def as_json(self) -> dict[str, Any]:
        return {
            "points": [vars(point) for point in self.points],
            "is_copied": self.is_copied,
            "voice": self.voice,
        }


class _Pointed(BaseModel):
    statement: int
    words: str = Field(default="", max_length=LONGEST_REPLY)


class _PointedAll(BaseModel):
    """What a model gives back: for each statement the person's words that say it."""

    found: list[_Pointed] = Field(default_factory=list, max_length=20)


def question_back(question: str, said: Sequence[Said], topic: str, translate: Translator) -> str:
    """The one question to explain back. `topic` is the heading that the answer stands under."""
    return translate(_QUESTIONS.get(sort_of(question, said), _QUESTION), topic=topic)


def key_statements(said: Sequence[Said]) -> list[str]:
    """What an explanation should have: the first steps of a procedure, else the first sentences or rows."""
    steps = [one.text for one in said if one.kind == "step"]
    rest = [one.text for one in said if not one.text.rstrip().endswith(":")]
    return (steps if len(steps) > 1 else rest or [one.text for one in said])[:MOST_POINTS]


def clean_reply(reply: str) -> str:
    """The reply as it is kept; InputRefused where it is empty or too long."""
    text = "".join(c for c in reply if c.isprintable() or c == "\n").strip()
    if not words(text):
        raise InputRefused(N_("Write a sentence in your own words, or skip the question."))
    if len(text) > LONGEST_REPLY:
        raise InputRefused(N_("That is too long: 2,000 characters at most. One or two sentences are enough."))
    return text


async def give_feedback(
    embedder: Embedder,
    models: ChatModels,
    payer: Payer,
    *,
    question: str,
    statements: Sequence[str],
    reply: str,
) -> Feedback:
    """Compares the reply with the statements. Where no model is on, or it fails, or the cap is reached, code does it alone."""
    feedback = await to_thread.run_sync(compare, embedder, question, statements, reply)
    if not models.is_on("feedback"):
        return feedback
    mark = new_mark()
    numbered = "\n".join(f"{n}. {statement}" for n, statement in enumerate(statements, 1))
    messages = prompt_named("explain_back").messages(
        fence=mark, statements=numbered, reply=without_addresses(reply)
    )
    try:
        pointed = await models.complete_as(_PointedAll, "feedback", messages, payer, most_tokens=400)
    except (ModelFailed, BudgetSpent):
        return feedback
    found = {one.statement: one.words for one in pointed.found}
    return await to_thread.run_sync(_with_pointers, embedder, question, feedback, found, reply)


def compare(embedder: Embedder, question: str, statements: Sequence[str], reply: str) -> Feedback:
    """The feedback by code alone: each statement beside the learner's sentence that says most of it.

    A judgement that is unsure counts for the statement that the sentence is nearest to, and for no other: sentences on one
    subject are all a little alike.
    """
    sentences = [unit.text for unit in units_of(reply) if words(unit.text)][:_MOST_SENTENCES]
    judged = [[assess_answer(question, [one], said, embedder) for one in statements] for said in sentences]
    points = []
    for n, statement in enumerate(statements):
        fitting = [
            (row[n], said)
            for row, said in zip(judged, sentences, strict=True)
            if row[n].label != "incorrect"
            and (not row[n].for_a_person or (_is_nearest(row, n) and _has_common_ground(row[n])))
        ]
        if not fitting:
            points.append(Point(statement, "missing"))
            continue
        best, quote = max(fitting, key=lambda pair: pair[0].score)
        lacks_figure = not _has_figures(statement, reply)
        is_there = best.label == "correct" and not best.for_a_person and not lacks_figure
        points.append(Point(statement, "there" if is_there else "partly", quote, lacks_figure))
    return Feedback(tuple(points), is_copied(statements, reply))


def _is_nearest(row: Sequence[Agreement], n: int) -> bool:
    return row[n].score == max(one.score for one in row)


def _has_common_ground(agreement: Agreement) -> bool:
    """Whether a word is shared, or the meaning is not far: without either an unsure score says only that both are sentences."""
    return agreement.features.get("covered", 0.0) > 0 or agreement.features.get("near", 0.0) >= _NEAR


def is_copied(statements: Sequence[str], reply: str) -> bool:
    """Whether the reply repeats a stretch of a statement word for word."""
    said = words(reply)
    runs = {tuple(said[i : i + _COPIED_WORDS]) for i in range(len(said) - _COPIED_WORDS + 1)}
    return any(
        tuple(theirs[i : i + _COPIED_WORDS]) in runs
        for statement in statements
        for theirs in [words(statement)]
        for i in range(len(theirs) - _COPIED_WORDS + 1)
    )


def _with_pointers(
    embedder: Embedder, question: str, feedback: Feedback, found: dict[int, str], reply: str
) -> Feedback:
    """The feedback, better by what a model pointed at. Words that the learner did not write count for nothing, and a statement
    gets at most one step nearer: the model's pointing is a hint, not a verdict."""

    def nearer(point: Point, quote: str) -> Point:
        if point.status == "there" or not quote or not _stands_in(quote, reply):
            return point
        own = assess_answer(question, [point.statement], quote, embedder)
        lacks_figure = not _has_figures(point.statement, reply)
        is_there = point.status == "partly" and own.label != "incorrect" and not lacks_figure
        return Point(point.statement, "there" if is_there else "partly", quote, lacks_figure)

    points = [nearer(point, " ".join(found.get(n, "").split())) for n, point in enumerate(feedback.points, 1)]
    return Feedback(tuple(points), feedback.is_copied, "model")


def _stands_in(quote: str, reply: str) -> bool:
    return quote.casefold() in " ".join(reply.split()).casefold()


def _has_figures(statement: str, reply: str) -> bool:
    """Whether each number of the statement stands in the reply, in digits or in letters ("7 days", "seven days")."""
    language = detect_language(statement)
    # A reply is often too short to tell its language: it is read in the statement's as well.
    said = [one for spoken in {language, detect_language(reply)} for one in numbers_in(reply, spoken)]
    digits = set(_DIGITS.findall(reply))

    def is_said(number: Number) -> bool:
        written = _DIGITS.match(statement, number.at)
        is_plain = written is not None and not number.unit and written[0] in digits  # "3pm" and "3 pm"
        return is_plain or any(number.agrees(one) for one in said)

    return set(_CODE.findall(statement)) <= digits and all(
        is_said(number) for number in numbers_in(statement, language)
    )
