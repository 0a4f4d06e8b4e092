"""From a question and a scope to an answer: search, the gate, the voice. The steps are told as they happen.

The gate decides covered / partly / not_covered before and apart from whoever words the answer. A chat model, where one is set,
words it from the passages and every sentence is checked; where none is set, or it fails, costs too much, writes in another
language or what isn't in the passages, the composer answers in the documents' own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from anyio.to_thread import run_sync

from app.coach.answers import Answer, Checked, Draft, Note, Progress, Step, Void
from app.coach.budget import BudgetSpent
from app.coach.chat import ModelFailed, Payer
from app.coach.coach import Coach
from app.coach.composer import MOST_SENTENCES, MOST_STEPS, Composer
from app.coach.conflicts import with_conflicts
from app.coach.drafting import Drafting
from app.coach.grounding import Grounding
from app.coach.guard import as_data, fenced, new_mark, without_addresses
from app.coach.prompts import prompt_named
from app.coach.written import SentenceReader, Written
from app.kit.log import get_logger
from retrieval import (
    Exchange,
    Hit,
    Passage,
    Retrieval,
    Scope,
    Sufficiency,
    leans_on_earlier,
    looks_like_instruction,
    standalone_question,
)
from retrieval.languages import detect_language, is_stop_word, words

log = get_logger("coach")

HITS = 8
ANSWER_TOKENS = 700
QUESTION_TOKENS = 120
# Sentences after which a model that has said nothing that the passages say is stopped.
PATIENCE = 3
NOT_COVERED = "NOT COVERED"
_LONGEST_REWRITTEN = 400  # characters

LANGUAGES = {
    "en": "English", "es": "Spanish", "pt": "Brazilian Portuguese", "de": "German", "fr": "French",
}  # fmt: skip


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
) -> AsyncGenerator[Step, None]:
    """Yields each step as it happens and, last, the answer. `earlier` is what was asked and answered just before.

    Closing the iterator stops the model. Raises nothing of a model's: its failures end in the composer's answer.
    """
    yield Progress("searching")
    found = await run_sync(look_up, coach.retrieval, question, scope, earlier, limiter=coach.looking)
    if found.sufficiency.verdict != "covered" and earlier is not None and _leans(question, earlier):
        found = await _look_up_rewritten(coach, question, scope, payer, earlier, found)
    yield Progress("writing")
    note: Note = ""
    verdict = found.sufficiency.verdict
    if verdict != "not_covered" and coach.models.is_on("answer") and looks_like_instruction(question) is None:
        shown = False
        try:
            async with aclosing(_worded(coach, question, found, payer, locale)) as steps:
                async for step in steps:
                    yield step
                    if isinstance(step, Answer):
                        return
                    shown = True
        except BudgetSpent:
            note = "budget"
        except ModelFailed as failure:
            note = "model"
            log.warning("model_failed", purpose="answer", kind=failure.kind)
        except _Unfit as unfit:
            note = unfit.note
            if unfit.abstains and verdict == "covered":
                # Of two judges the more careful one counts.
                found = replace(found, sufficiency=replace(found.sufficiency, verdict="partly"))
        if shown:
            yield Void()
    answer = await run_sync(
        Composer().compose, found.asked, found.hits, found.sufficiency, limiter=coach.looking
    )
    for sentence in answer.sentences:
        yield Checked(sentence, answer.citations)
    yield await run_sync(with_conflicts, replace(answer, note=note), limiter=coach.looking)


class _Unfit(Exception):
    """What the model wrote is no answer that could be shown. `abstains`: it said itself that the passages don't answer."""

    def __init__(self, note: Note, *, abstains: bool = False) -> None:
        super().__init__(note)
        self.note: Note = note
        self.abstains = abstains


async def _worded(
    coach: Coach, question: str, found: Found, payer: Payer, locale: str
) -> AsyncGenerator[Step, None]:
    """The model's answer, sentence by sentence as it is checked. Raises _Unfit, ModelFailed, BudgetSpent."""
    passages = passages_for_a_model(found.hits)
    fence, canary = new_mark(), new_mark()
    language = detect_language(found.asked, default=locale.partition("-")[0].partition("_")[0])
    messages = prompt_named("answer").messages(
        language=LANGUAGES.get(language, "the language of the question"),
        sentences=str(MOST_STEPS if any(p.kind == "steps" for p in passages) else MOST_SENTENCES + 2),
        fence=fence,
        canary=canary,
        passages=fenced(passages, fence),
        question=without_addresses(found.asked),
    )
    grounding = await run_sync(
        Grounding, question, passages, coach.retrieval.embedder, (fence, canary), language
    )
    reader, drafting = SentenceReader(), Drafting(grounding.vocabulary)
    names: list[str] = []  # of the model that answers, once it does
    stream = coach.models.stream("answer", messages, payer, most_tokens=ANSWER_TOKENS, told=names.append)
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            for written in reader.read(piece):
                yield await _check(coach, grounding, written)
                drafting.begin()
            if words_to_show := drafting.words_of(reader.rest):
                yield Draft(words_to_show)
    for written in reader.finish():
        yield await _check(coach, grounding, written)
    if grounding.is_mostly_unsupported():
        raise _Unfit("unsupported")
    answer = Answer(
        found.sufficiency.verdict,
        tuple(grounding.sentences),
        tuple(grounding.citations),
        Composer.closest(found.hits),
        found.sufficiency.missing if found.sufficiency.verdict == "partly" else (),
        found.hits,
        voice="model",
        model=names[-1] if names else "",
        withheld=grounding.withheld,
        is_translated=any(one.passage.language != language for one in grounding.citations),
    )
    yield await run_sync(with_conflicts, answer, limiter=coach.looking)


async def _check(coach: Coach, grounding: Grounding, written: Written) -> Checked:
    if not grounding.sentences and written.text.strip(" .\"'*").upper() == NOT_COVERED:
        raise _Unfit("", abstains=True)
    sentence = await run_sync(grounding.check, written, limiter=coach.looking)
    if grounding.is_in_another_language():
        raise _Unfit("model")
    seen = len(grounding.sentences) + grounding.withheld
    if seen >= PATIENCE and not any(one.is_verified for one in grounding.sentences):
        raise _Unfit("unsupported")
    return Checked(sentence, tuple(grounding.citations), "model")


def passages_for_a_model(hits: tuple[Hit, ...]) -> list[Passage]:
    """The found passages, best first, each with the list that its last sentence announces."""
    passages: dict[str, Passage] = {}
    for hit in hits:
        passages.setdefault(hit.passage.id, hit.passage)
        if hit.following is not None and hit.following.kind in {"steps", "list"}:
            passages.setdefault(hit.following.id, hit.following)
    return list(passages.values())


# --- looking up ----------------------------------------------------------------------------------------------------


def look_up(retrieval: Retrieval, question: str, scope: Scope, earlier: Exchange | None = None) -> Found:
    """Searches and judges; a question that leans on the one before it is also read together with that one."""
    hits = as_data(retrieval.search(question, scope, limit=HITS))
    sufficiency = retrieval.judge(question, hits)
    if earlier is not None and sufficiency.verdict != "covered" and _leans(question, earlier):
        # Which reading is meant shows in which one the content answers better.
        in_context = as_data(retrieval.search(question, scope, limit=HITS, earlier=earlier))
        judged = retrieval.judge(question, in_context, earlier=earlier)
        # A word of its own that what was found does not have makes it a new question: "And in Brazil?".
        is_new = set(judged.missing) & set(words(question))
        if judged.score > sufficiency.score and not is_new:
            return _found(retrieval, standalone_question(question, earlier), in_context, judged, scope)
    return _found(retrieval, question, hits, sufficiency, scope)


def _found(
    retrieval: Retrieval, asked: str, hits: Sequence[Hit], sufficiency: Sufficiency, scope: Scope
) -> Found:
    """`missing` becomes what people are told of: words that no document has at all."""
    missing = retrieval.unsaid_words(asked, sufficiency.missing, scope) if sufficiency.missing else ()
    return Found(asked, tuple(hits), replace(sufficiency, missing=missing))


async def _look_up_rewritten(
    coach: Coach, question: str, scope: Scope, payer: Payer, earlier: Exchange, found: Found
) -> Found:
    """The same with the question as a model words it out of its conversation, where that finds better passages."""
    if not coach.models.is_on("rewrite") or looks_like_instruction(question) is not None:
        return found
    messages = prompt_named("rewrite").messages(
        question=without_addresses(question),
        earlier_question=without_addresses(earlier.question),
        earlier_answer=without_addresses(earlier.answer_opening),
    )
    try:
        said = await coach.models.complete("rewrite", messages, payer, most_tokens=QUESTION_TOKENS)
    except (ModelFailed, BudgetSpent) as error:
        log.info("question_not_rewritten", kind=type(error).__name__)
        return found
    rewritten = " ".join(said.split()).strip('"“”')
    if not _is_reading_of(rewritten, question, earlier):
        return found
    again = await run_sync(look_up, coach.retrieval, rewritten, scope, limiter=coach.looking)
    return again if again.sufficiency.score > found.sufficiency.score else found


def _is_reading_of(rewritten: str, question: str, earlier: Exchange) -> bool:
    """Whether a rewritten question is made of the conversation: what a model adds from elsewhere would be searched for."""
    if not rewritten or len(rewritten) > _LONGEST_REWRITTEN or looks_like_instruction(rewritten) is not None:
        return False
    language = detect_language(rewritten, default="en")
    known = set(words(f"{question} {earlier.question} {earlier.answer_opening}"))
    content = [word for word in words(rewritten) if not is_stop_word(word, language)]
    new = [word for word in content if not any(word[:4] == other[:4] for other in known)]
    return bool(content) and len(new) <= len(content) / 3


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
