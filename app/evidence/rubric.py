"""From a checklist's yes/no to points: a pure function, and the only place where points are made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Criterion:
    """One behaviour that a response shows or doesn't. Weight is relative (> 0); a `must` decides whether the task is done."""

    id: str
    weight: float
    must: bool


@dataclass(frozen=True)
class Total:
    """Points out of `maximum`, and whether every must criterion was met."""

    points: float
    maximum: float
    is_complete: bool


def total(criteria: Sequence[Criterion], met: Mapping[str, bool], maximum: float) -> Total:
    """The share of the weights that were met, of `maximum`, rounded to hundredths.

    A must criterion that is not met holds the points at half of the maximum at most: the rest of the answer still counts,
    but no sum of small things stands in for the one that the task is about. Raises ValueError for a criterion without a
    decision, or a decision on an unknown one.
    """
    known = {criterion.id for criterion in criteria}
    if set(met) != known:
        raise ValueError(f"decisions are needed on exactly {sorted(known)}")
    numbers = (maximum, *(criterion.weight for criterion in criteria))
    if len(known) != len(criteria) or not criteria or not all(0 < n < math.inf for n in numbers):
        raise ValueError("a rubric needs a positive maximum and criteria of positive weight, each id once")
    share = sum(c.weight for c in criteria if met[c.id]) / sum(c.weight for c in criteria)
    is_complete = all(met[c.id] for c in criteria if c.must)
    if not is_complete:
        share = min(share, 0.5)
    return Total(round(share * maximum, 2), maximum, is_complete)


def complete(maximum: float) -> Total:
    """All the points, for a task whose policy says that handing in is enough. ValueError for a maximum that is none."""
    if not 0 < maximum < math.inf:
        raise ValueError("a rubric needs a positive maximum and criteria of positive weight, each id once")
    return Total(round(maximum, 2), maximum, True)
