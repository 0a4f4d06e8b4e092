"""Do two sentences of different documents say different things of the same? Decided by text alone, and rather missed than invented.

They have to have nearly all their words in common, numbers aside, and name nothing that the other does not: "express parcels
arrive in one day" and "standard parcels arrive in three days" speak of two things. What is left to differ is a number of one unit,
a denial, or the side of a pair of opposites (before / after, at least / at most, must / may).
"""

from __future__ import annotations

import functools

from retrieval.assertions import Assertion, read_assertion
from retrieval.languages import stems, words
from retrieval.quantities import Number, is_number_word

_SAME = 0.8  # the least share of the longer sentence's words that both have
_FEWEST = 3  # words in common; fewer make no statement


def disagree(one: str, other: str, language: str) -> bool:
    """Whether two sentences in ``language`` cannot both hold of the same thing."""
    first, second = _subject(one, language), _subject(other, language)
    shared = first & second
    if len(shared) < _FEWEST or len(shared) < _SAME * max(len(first), len(second)):
        return False
    said, stands = read_assertion(one, language), read_assertion(other, language)
    if set(said.names) ^ set(stands.names):
        return False
    return (
        _other_numbers(said, stands)
        or said.denies != stands.denies
        or any((name, 1 - side) in stands.sides for name, side in said.sides - stands.sides)
        or {said.modality, stands.modality} == {"must", "may"}
    )


@functools.lru_cache(maxsize=4_096)
def _subject(text: str, language: str) -> frozenset[str]:
    """What a sentence speaks of: the stems of its words without numbers."""
    return frozenset(
        stems(" ".join(word for word in words(text) if not is_number_word(word, language)), language)
    )


def _other_numbers(one: Assertion, other: Assertion) -> bool:
    """Whether both count in one unit and come to numbers of which none is the same."""
    return any(
        not any(number.agrees(candidate) for number in _in(one, unit) for candidate in _in(other, unit))
        for unit in {number.unit for number in one.numbers} & {number.unit for number in other.numbers} - {""}
    )


def _in(assertion: Assertion, unit: str) -> list[Number]:
    return [number for number in assertion.numbers if number.unit == unit]
