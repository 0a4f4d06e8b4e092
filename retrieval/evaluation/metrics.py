"""The numbers, each by its textbook definition. Shapes and ranges stand in the docstrings."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_Numbers = Sequence[float] | npt.NDArray[np.floating[Any]]


def ndcg(ranked: Sequence[str], relevant: Collection[str], depth: int = 10) -> float:
    """Normalised discounted cumulative gain, 0 to 1, where what is relevant is equally so. 0 where nothing is."""
    gain = sum(1 / math.log2(at + 2) for at, id_ in enumerate(ranked[:depth]) if id_ in relevant)
    ideal = sum(1 / math.log2(at + 2) for at in range(min(depth, len(relevant))))
    return gain / ideal if ideal else 0.0


def recall(ranked: Sequence[str], relevant: Collection[str], depth: int = 5) -> float:
    """Share of the relevant ones among the first ``depth``."""
    return len(set(ranked[:depth]) & set(relevant)) / len(relevant) if relevant else 0.0


def hit(ranked: Sequence[str], relevant: Collection[str], depth: int = 5) -> float:
    """1 where any relevant one is among the first ``depth``, else 0."""
    return float(any(id_ in relevant for id_ in ranked[:depth]))


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str], depth: int = 10) -> float:
    """1 / place of the first relevant one; 0 where none is among the first ``depth``."""
    return next((1 / (at + 1) for at, id_ in enumerate(ranked[:depth]) if id_ in relevant), 0.0)


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def auroc(positive: Sequence[bool], scores: _Numbers) -> float | None:
    """The chance that a positive one scores above a negative one, ties counting half. None without both kinds."""
    truth = np.asarray(positive, bool)
    values = np.asarray(scores, np.float64)
    count = int(truth.sum())
    if count in (0, len(truth)):
        return None
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    # The rank of tied values is the mean of the ranks that they take up.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    above = ranks[truth].sum() - count * (count + 1) / 2
    return float(above / (count * (len(truth) - count)))


def average_precision(positive: Sequence[bool], scores: _Numbers) -> float | None:
    """Area under the precision-recall curve, by steps; tied scores are one step. None without both kinds."""
    truth = np.asarray(positive, bool)
    values = np.asarray(scores, np.float64)
    if truth.all() or not truth.any():
        return None
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
    hits = np.cumsum(truth[order])[ends]
    precision = hits / (ends + 1)
    gained = np.diff(np.concatenate(([0], hits))) / truth.sum()
    return float((precision * gained).sum())


def answer_rate(positive: Sequence[bool], scores: _Numbers, false_answers: float = 0.05) -> float | None:
    """Share of the positive ones above the score that ``false_answers`` of the negative ones exceed.

    The score is the quantile of the negative ones, interpolated. None without both kinds.
    """
    truth = np.asarray(positive, bool)
    values = np.asarray(scores, np.float64)
    if truth.all() or not truth.any():
        return None
    threshold = np.quantile(values[~truth], 1 - false_answers)
    return float((values[truth] > threshold).mean())


def pearson(left: _Numbers, right: _Numbers) -> float | None:
    """Correlation, -1 to 1; None where one side does not vary."""
    first, second = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def root_mean_square_error(left: _Numbers, right: _Numbers) -> float:
    difference = np.asarray(left, np.float64) - np.asarray(right, np.float64)
    return float(math.sqrt((difference**2).mean())) if len(difference) else 0.0


def quadratic_weighted_kappa(left: Sequence[int], right: Sequence[int]) -> float | None:
    """Cohen's kappa of two markings on an ordered scale of whole numbers, -1 to 1: 0 is what chance gives, and being off by two
    steps counts four times as much as by one. None where both give one and the same mark to all: nothing is left to agree on."""
    first, second = np.asarray(left, np.int64), np.asarray(right, np.int64)
    if not len(first):
        return None
    observed = ((first - second) ** 2).mean()
    expected = ((first[:, None] - second[None, :]) ** 2).mean()
    return float(1 - observed / expected) if expected else None


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Mean over the classes, those of either side, of F1; a class that neither meets counts 0."""
    scores = []
    for name in sorted({*truth, *said}):
        both = sum(t == name == s for t, s in zip(truth, said, strict=True))
        claimed, real = sum(s == name for s in said), sum(t == name for t in truth)
        scores.append(2 * both / (claimed + real) if claimed + real else 0.0)
    return mean(scores)


def accuracy(truth: Sequence[str], said: Sequence[str]) -> float:
    return mean([float(t == s) for t, s in zip(truth, said, strict=True)])
