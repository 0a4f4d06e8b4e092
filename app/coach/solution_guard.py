"""Whether words of a model give away what a learner is to find: the author's solution, before the worked answers are open.

The model never gets the solution; it may guess it or have read it elsewhere. So nothing of what stands only in the solution is
shown: no run of words, no figure, no name. A false alarm costs little, since the author's own hint takes the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.languages import fold_accents, stems, words
from retrieval.quantities import numbers_in

_SOLUTION = frozenset({"solution_steps", "worked_strong", "strong_example", "look_for", "recheck"})
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
# So many words in a row that stand in the solution and nowhere else.
_RUN = 3
_LONG_RUN = 6
# Two content words of the solution alone say more than a hint may.
_MOST_HIDDEN = 1


@dataclass(frozen=True)
class Hidden:
    """What only the solution says. `seen` is everything that the learner reads or wrote; both in any language."""

    solution: tuple[str, ...]
    seen: tuple[str, ...]

    def is_given_away_by(self, text: str, language: str) -> bool:
        """Whether the text, in `language`, holds a figure, a name or words in a row that only the solution has."""
        if not self.solution:
            return False
        return (
            self._has_figure(text, language)
            or self._has_name(text)
            or self._has_words(text, language)
            or self._has_run(text)
        )

    def _has_figure(self, text: str, language: str) -> bool:
        solution, seen = " \n".join(self.solution), " \n".join(self.seen)
        digits = set(_DIGITS.findall(text))
        if digits & (set(_DIGITS.findall(solution)) - set(_DIGITS.findall(seen))):
            return True
        secret, known = numbers_in(solution, language), numbers_in(seen, language)
        return any(
            any(number.agrees(one) for one in secret) and not any(number.agrees(one) for one in known)
            for number in numbers_in(text, language)
        )

    def _has_name(self, text: str) -> bool:
        """Names are words with a capital letter within a sentence of the solution, and whatever has a digit in it."""
        names = set()
        for one in self.solution:
            for match in _WORD.finditer(one):
                before = one[: match.start()].rstrip(" \"'“(")
                begins = not before or before[-1] in ".!?:\n"
                word = match[0]
                if any(c.isdigit() for c in word) or (word[0].isupper() and not begins):
                    names.add(_folded(word))
        seen = {_folded(match[0]) for one in self.seen for match in _WORD.finditer(one)}
        return bool({_folded(match[0]) for match in _WORD.finditer(text)} & (names - seen))

    def _has_words(self, text: str, language: str) -> bool:
        secret = {stem for one in self.solution for stem in stems(one, language)}
        known = {stem for one in self.seen for stem in stems(one, language)}
        return len(set(stems(text, language)) & (secret - known)) > _MOST_HIDDEN

    def _has_run(self, text: str) -> bool:
        said = words(text)
        known = {word for one in self.seen for word in words(one)}
        for length in (_RUN, _LONG_RUN):
            secret = {run for one in self.solution for run in _runs(words(one), length)}
            seen = {run for one in self.seen for run in _runs(words(one), length)}
            for run in _runs(said, length):
                is_new = length == _LONG_RUN or any(word not in known and len(word) > _RUN for word in run)
                if run in secret and run not in seen and is_new:
                    return True
        return False


def solution_of(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Every text of a definition, in every language, that shows the author's solution or that of the re-check."""
    found: list[str] = []
    _collect(definition, False, found)
    return tuple(found)


def _collect(value: Any, is_solution: bool, found: list[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _collect(item, is_solution or key in _SOLUTION, found)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, is_solution, found)
    elif isinstance(value, str) and is_solution and value.strip():
        found.append(value)


def _folded(word: str) -> str:
    return fold_accents(word.casefold())


def _runs(said: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(said[at : at + length]) for at in range(len(said) - length + 1)]
