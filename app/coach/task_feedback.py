"""Feedback on a practice task: for each criterion a suggestion with the learner's own words, and one thing to try next.

Code judges first (`app.coach.feedback`). A chat model, where one is on, proposes for each criterion which of the learner's words
meet it; code looks whether they stand there and whether its own judgement speaks against them, so that a model can settle what
code is unsure of and can't overrule it. An answer that speaks to a machine is not given to one. Words of the model are shown as
the one thing to try next, and only where they give nothing of the solution away; else the author's own hint stands there.
Nothing here makes points: `app.evidence.rubric` does, and a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from anyio import to_thread
from pydantic import BaseModel, Field

from app.coach.budget import BudgetSpent
from app.coach.chat import ModelFailed, Payer
from app.coach.chat_models import ChatModels
from app.coach.feedback import CriterionFeedback, Status, give_feedback, sentences_of
from app.coach.guard import Vocabulary, new_mark, refused_outright, without_addresses
from app.coach.prompts import prompt_named
from app.coach.solution_guard import Hidden, solution_of
from retrieval import Embedder
from retrieval.languages import detect_language, stems

Voice = Literal["code", "model"]

LANGUAGES = {"en": "English", "pt-BR": "Brazilian Portuguese", "es": "Spanish"}
_LONGEST_ADVICE = 300
_FEWEST_QUOTED = 2  # content words: less can stand anywhere
_MOST_STRANGE = 0.6  # of an advice's content words that the task has not
_MOST_TOKENS = 900
_ORDER: dict[Status, int] = {"not_yet": 0, "cant_tell": 1, "met": 2}


@dataclass(frozen=True)
class Asked:
    """What the learner was asked, in their language, and what they must not be told yet.

    `criteria` are those of the task or of its re-check; `weights` of their ids say which is the most useful to try next.
    """

    situation: str
    ask: str
    criteria: Sequence[Mapping[str, Any]]
    locale: str
    hidden: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decided:
    """What code knows of a criterion from the answer's data, such as the order of steps. `line` is the line that it is about."""

    is_met: bool
    line: str | None


@dataclass(frozen=True)
class NextStep:
    """The one thing to try next. `text` is empty where the criterion's author gave no hint."""

    criterion: str
    text: str
    voice: Voice


@dataclass(frozen=True)
class TaskFeedback:
    """`left_out`: how many sentences of the answer spoke to a machine and count for nothing. `prompt` is its version, of a model's."""

    lines: tuple[CriterionFeedback, ...]
    next_step: NextStep | None
    voice: Voice = "code"
    left_out: int = 0
    prompt: int | None = None

    def lines_as_json(self) -> list[dict[str, Any]]:
        return [line.as_json() for line in self.lines]

    def remarks(self) -> dict[str, Any]:
        """How the feedback was made, as an attempt keeps it."""
        step = self.next_step
        return {
            "voice": self.voice,
            "left_out": self.left_out,
            "prompt": self.prompt,
            "next": {"criterion": step.criterion, "text": step.text, "voice": step.voice} if step else None,
        }


class _Mark(BaseModel):
    criterion: int
    status: Literal["met", "not_yet", "cant_tell"]
    words: str = Field(default="", max_length=2000)


class _Marked(BaseModel):
    """What a model gives back: for each criterion what it finds and the person's words, and one thing to try next."""

    criteria: list[_Mark] = Field(default_factory=list, max_length=30)
    try_criterion: int = 0
    try_next: str = Field(default="", max_length=1000)


@dataclass
class _Work:
    """What is passed along while one answer is judged."""

    embedder: Embedder
    asked: Asked
    words: str
    decided: Mapping[str, Decided] = field(default_factory=dict)


def asked_of(
    definition: Mapping[str, Any], shown: Mapping[str, Any], locale: str, *, may_show_solution: bool
) -> Asked:
    """What a task asks. `definition` is the whole of a version, `shown` the same in the learner's language."""
    criteria = shown["criteria"]
    seen = [shown["title"], shown["situation"], shown["ask"], shown.get("worked_weak", "")]
    for item in criteria:
        seen += [item["text"], item.get("next_try", ""), item.get("weak_example", "")]
    seen += [item["text"] for name in ("steps", "choices") for item in shown.get(name) or ()]
    return Asked(
        shown["situation"],
        shown["ask"],
        criteria,
        locale,
        () if may_show_solution else solution_of(definition),
        tuple(text for text in seen if text),
    )


def asked_in_recheck(shown: Mapping[str, Any], locale: str) -> Asked:
    """What a re-check asks. Its feedback comes after its one answer, so that nothing needs to be kept back."""
    recheck = shown["recheck"]
    return Asked(
        recheck["situation"],
        recheck["ask"],
        recheck["criteria"],
        locale,
        seen=tuple(item["text"] for item in recheck["criteria"]),
    )


async def give_task_feedback(
    embedder: Embedder,
    models: ChatModels,
    payer: Payer,
    asked: Asked,
    words: str,
    decided: Mapping[str, Decided] | None = None,
) -> TaskFeedback:
    """Feedback on an answer. `words` are the learner's own; `decided` what code knows of criteria already.

    Where no model is on, or it fails, or the cap is reached, or the answer speaks to a machine, code gives it alone.
    """
    work = _Work(embedder, asked, words, decided or {})
    feedback = await to_thread.run_sync(_by_code, work)
    open_criteria = [item for item in asked.criteria if item["id"] not in work.decided]
    if not models.is_on("feedback") or feedback.left_out or not open_criteria or not words.strip():
        return feedback
    prompt = prompt_named("feedback")
    messages = prompt.messages(
        fence=new_mark(),
        language=LANGUAGES.get(asked.locale, "English"),
        situation=asked.situation.strip(),
        ask=asked.ask.strip(),
        criteria="\n".join(f"{n}. {item['text']}" for n, item in enumerate(open_criteria, 1)),
        answer=without_addresses(words),
    )
    try:
        marked = await models.complete_as(_Marked, "feedback", messages, payer, most_tokens=_MOST_TOKENS)
    except (ModelFailed, BudgetSpent):
        return feedback
    return await to_thread.run_sync(_with_marks, work, feedback, open_criteria, marked, prompt.version)


def _by_code(work: _Work) -> TaskFeedback:
    asked = work.asked
    others = [item for item in asked.criteria if item["id"] not in work.decided]
    judged = {
        line.criterion: line for line in give_feedback(work.embedder, others, work.words, question=asked.ask)
    }
    for item in asked.criteria:
        if (known := work.decided.get(item["id"])) is not None:
            hint = "" if known.is_met else str(item.get("next_try", ""))
            judged[item["id"]] = CriterionFeedback(
                item["id"], "met" if known.is_met else "not_yet", known.line, hint
            )
    lines = tuple(judged[item["id"]] for item in asked.criteria)
    return TaskFeedback(lines, _next_step(asked, lines), left_out=sentences_of(work.words)[1])


def _next_step(asked: Asked, lines: Sequence[CriterionFeedback]) -> NextStep | None:
    """The most useful line that is not met: what the task is about before the rest, missing before unsure, heavy before light."""
    items = {item["id"]: item for item in asked.criteria}
    open_lines = [line for line in lines if line.status != "met"]
    if not open_lines:
        return None
    first = min(open_lines, key=lambda line: _rank(items[line.criterion], line))
    return NextStep(first.criterion, str(items[first.criterion].get("next_try", "")), "code")


def _rank(item: Mapping[str, Any], line: CriterionFeedback) -> tuple[bool, int, float]:
    return (not item.get("must", False), _ORDER[line.status], -float(item.get("weight", 1)))


def _with_marks(
    work: _Work,
    feedback: TaskFeedback,
    criteria: Sequence[Mapping[str, Any]],
    marked: _Marked,
    version: int,
) -> TaskFeedback:
    """The feedback with what a model found, as far as code bears it out."""
    marks = {criteria[mark.criterion - 1]["id"]: mark for mark in marked.criteria if 0 < mark.criterion <= len(criteria)}  # fmt: skip
    hints = {item["id"]: str(item.get("next_try", "")) for item in work.asked.criteria}
    lines = tuple(
        _joined(line, marks[line.criterion], work.words, hints[line.criterion]) if line.criterion in marks else line
        for line in feedback.lines
    )  # fmt: skip
    step = _next_step(work.asked, lines)
    if step is not None:
        step = _worded(work, step, lines, criteria, marked)
    return replace(feedback, lines=lines, next_step=step, voice="model", prompt=version)


def _joined(line: CriterionFeedback, mark: _Mark, words: str, hint: str) -> CriterionFeedback:
    """One line from code's judgement and a model's. Words that the learner did not write count for nothing."""
    quote = quoted_in(mark.words, words)
    status: Status = line.status
    if mark.status == "met" and quote is not None:
        status = "cant_tell" if line.status == "not_yet" else "met"
    elif mark.status == "not_yet":
        status = "cant_tell" if line.status == "met" else "not_yet"
    if mark.status == "not_yet" or quote is None:
        quote = line.quote
    return CriterionFeedback(
        line.criterion, status, quote if status != "not_yet" else None, "" if status == "met" else hint
    )


def quoted_in(quote: str, words: str) -> str | None:
    """The stretch of the learner's words that a quotation repeats letter by letter (blanks and case aside), or None.

    None as well for what speaks to a machine, and for a quotation of too few words to show anything.
    """
    pieces = quote.strip(" \n\"'“”«»").split()
    if len(stems(quote, detect_language(words, default="en"))) < _FEWEST_QUOTED:
        return None
    found = re.search(r"\s+".join(re.escape(piece) for piece in pieces), words, re.IGNORECASE)
    if found is None or sentences_of(found[0])[1]:
        return None
    return found[0]


def _worded(
    work: _Work,
    step: NextStep,
    lines: Sequence[CriterionFeedback],
    criteria: Sequence[Mapping[str, Any]],
    marked: _Marked,
) -> NextStep:
    """The next step in the model's words, where it is about a line that is as useful and its words may be shown."""
    if not 0 < marked.try_criterion <= len(criteria):
        return step
    chosen = criteria[marked.try_criterion - 1]
    line = next(line for line in lines if line.criterion == chosen["id"])
    is_must = {item["id"]: bool(item.get("must", False)) for item in criteria}
    if line.status == "met" or (is_must.get(step.criterion, True) and not is_must[chosen["id"]]):
        return step
    text = " ".join(marked.try_next.split())
    if not may_be_shown(work.asked, work.words, text):
        return NextStep(chosen["id"], str(chosen.get("next_try", "")), "code")
    return NextStep(chosen["id"], text, "model")


def may_be_shown(asked: Asked, words: str, text: str) -> bool:
    """Whether a model's advice may stand before the learner: short, about the task, without links, orders or the solution."""
    if not text or len(text) > _LONGEST_ADVICE:
        return False
    own, _ = sentences_of(words)
    language = detect_language(" ".join(asked.seen), default=asked.locale[:2])
    if refused_outright(text, (), (*asked.seen, *own)):
        return False
    # The task's words and not the answer's: what an answer makes a model say is about something else.
    vocabulary = Vocabulary(asked.seen, language)
    if vocabulary.unknown_share(text) > _MOST_STRANGE:
        return False
    return not Hidden(asked.hidden, (*asked.seen, *own)).is_given_away_by(text, language)
