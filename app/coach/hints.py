"""The hint ladder of learn mode: a nudge, the place, a part of it, and only then the answer. Made from the answer, without a model.

A nudge says where to think and not what: it is put together from the heading that the answer stands under, the question's own
words, and what sort of answer it is. The part is the first step, or the first half of the sentences with what decides them
left blank.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.kit.errors import N_
from app.kit.i18n import Translator
from retrieval.answer_kinds import QUANTITIES, kind_of
from retrieval.languages import detect_language, is_stop_word, stems_of_words
from retrieval.quantities import is_number_word

NUDGE, PLACE, PART, WHOLE = 1, 2, 3, 4
RUNGS = WHOLE

Sort = Literal["steps", "cases", "figure", "definition", "condition", "person", "reason", "place", "fact"]

_NUDGES: dict[Sort, str] = {
    "steps": N_("This is done in a certain order. What has to be clear before anything else is done?"),
    "cases": N_("There are several cases, and each has its own answer. Which one is yours?"),
    "figure": N_("The answer is a figure: an amount, a limit or a time. What would it depend on?"),
    "definition": N_("Say first what it is for, then what sets it apart from what is like it."),
    "condition": N_("It depends on something. In which case would the answer be yes, and in which no?"),
    "person": N_("It is somebody's task. Who sees enough of it to decide?"),
    "reason": N_("There is a reason behind it. What would go wrong otherwise?"),
    "place": N_("It has its fixed place. Where would you look first?"),
    "fact": N_("Say what you know about it already. What exactly is missing?"),
}
_SORTS: dict[str, Sort] = {
    "time": "figure",
    "definition": "definition",
    "permission": "condition",
    "person": "person",
    "reason": "reason",
    "place": "place",
}
# A word with its sign of money or percent, so that a blank takes "€50" and "50 %" whole.
_WORD = re.compile(r"(?:[€$£¥]\s?)?\w+(?:[.,:/'’-]\w+)*(?:\s?[€$£¥%](?!\s?\d))?")
_LEAST_LETTERS = 4
_MOST_WORDS = 3


@dataclass(frozen=True)
class Said:
    """A sentence, step or row of an answer."""

    text: str
    kind: str


@dataclass(frozen=True)
class Partial:
    """A piece of the answer that may be seen: `runs` are its words in order, None where words were left out."""

    kind: str
    runs: tuple[str | None, ...]


def sort_of(question: str, said: Sequence[Said]) -> Sort:
    """What sort of answer it is, by its form first and by what was asked else."""
    if sum(one.kind == "step" for one in said) > 1:
        return "steps"
    if sum(one.kind == "row" for one in said) > 1:
        return "cases"
    asked = kind_of(question)
    if asked in QUANTITIES:
        return "figure"
    return _SORTS.get(asked, "fact")


def nudge(question: str, said: Sequence[Said], topic: str, translate: Translator) -> str:
    """Where to think. `topic` is the heading that the answer stands under, "" for none."""
    parts = [translate(_NUDGES[sort_of(question, said)])]
    if topic:
        parts.append(translate("The subject is “%(topic)s”.", topic=topic))
    if words := own_words(question):
        parts.append(
            translate("Hold on to your own words: %(words)s.", words=", ".join(f"“{word}”" for word in words))
        )
    return " ".join(parts)


def own_words(question: str) -> list[str]:
    """The words of the question that carry it, as they were written; the longest, in their order."""
    language = detect_language(question, default="en")
    found = [
        word
        for word in dict.fromkeys(re.findall(r"[^\W\d_]+", question))
        if len(word) >= _LEAST_LETTERS and not is_stop_word(word.casefold(), language)
    ]
    longest = sorted(found, key=len, reverse=True)[:_MOST_WORDS]
    return [word for word in found if word in longest]


def partial(question: str, said: Sequence[Said], topic: str) -> list[Partial]:
    """The first step of a procedure as it is; of anything else the first half with its figures and deciding words left out."""
    steps = [one for one in said if one.kind == "step"]
    if len(steps) > 1:
        return [Partial("step", (steps[0].text,))]
    shown = list(said[: math.ceil(len(said) / 2)])
    language = detect_language(" ".join(one.text for one in said), default="en")
    hidden = _deciding(shown, _stems(f"{question} {topic}", language), language)
    # Of a single sentence, half is half of its words.
    share = 0.5 if len(said) == 1 else 1.0
    return [Partial(one.kind, _with_blanks(one.text, hidden, language, share)) for one in shown]


def _stems(text: str, language: str) -> set[str]:
    words = [match.group().casefold() for match in _WORD.finditer(text)]
    return set(stems_of_words([word for word in words if not is_stop_word(word, language)], language))


def _deciding(shown: Sequence[Said], given: set[str], language: str) -> set[str]:
    """The stems to leave out: in each sentence a third of what the question did not give already, the longest words first."""
    hidden: set[str] = set()
    for one in shown:
        words = [
            word
            for match in _WORD.finditer(one.text)
            if len(word := match.group().casefold()) >= _LEAST_LETTERS
            and not is_stop_word(word, language)
            and not _is_figure(word, language)
        ]
        stems = stems_of_words(words, language)
        new = {stem: word for word, stem in zip(words, stems, strict=True) if stem not in given}
        longest = sorted(new or dict(zip(stems, words, strict=True)), key=len, reverse=True)
        hidden.update(longest[: max(1, len(longest) // 3)])
    return hidden


def _is_figure(word: str, language: str) -> bool:
    """A number in digits or letters, or a unit of one."""
    return any(c.isdigit() for c in word) or is_number_word(word, language)


def _with_blanks(text: str, hidden: set[str], language: str, share: float) -> tuple[str | None, ...]:
    """The text in runs, None for each stretch that is left out: the hidden stems, figures, and what comes after the first
    `share` of its words. One word at least is left out of every text that has any."""
    matches = list(_WORD.finditer(text))
    words = [match.group().casefold() for match in matches]
    stems = stems_of_words(words, language)
    seen = math.ceil(len(words) * share)
    left_out = [
        n >= seen or _is_figure(word, language) or stem in hidden
        for n, (word, stem) in enumerate(zip(words, stems, strict=True))
    ]
    if matches and not any(left_out):
        left_out[max(range(len(words)), key=lambda i: len(words[i]))] = True
    runs: list[str | None] = []
    at = 0
    for match, is_left_out in zip(matches, left_out, strict=True):
        if not is_left_out:
            continue
        before = text[at : match.start()]
        # Two blanks with nothing but a space between them are one.
        if before.strip() or (before and not runs):
            runs.append(before)
        if not runs or runs[-1] is not None:
            runs.append(None)
        at = match.end()
    if rest := text[at:]:
        runs.append(rest)
    return tuple(runs)
