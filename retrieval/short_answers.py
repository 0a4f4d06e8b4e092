"""How well a short answer agrees with reference answers, without a model call: a score, a label and how sure it is.

What is compared: how much of a reference the answer covers (words that the question does not already give count
most), how much of the answer is to the point, word order, numbers, negation and opposites, length, and, where an
embedder is given, nearness of meaning. The weights are those of bench/train_short_answers.py in the data file beside
this module; nothing in them belongs to one language. An answer of low confidence is for a person to look at: the
score is a proposal, and code that records grades must not take it for more.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retrieval.assertions import compare, read_assertion
from retrieval.citations import sentence_spans
from retrieval.embedding import Embedder
from retrieval.languages import detect_language, stems, words

AnswerLabel = Literal["correct", "partly", "incorrect"]

WEIGHTS_FILE = Path(__file__).with_name("short_answers.json")
# A word that the question gives shows less than one that the learner had to know.
_GIVEN = 0.3
_MOST_SENTENCES = 12
_GRAM = 4
# Cosines of multilingual-e5-small lie between about .75 and 1.
_COSINE_FLOOR, _COSINE_SPAN = 0.75, 0.25


@dataclass(frozen=True)
class Agreement:
    """``score`` 0 to 1; ``confidence`` 0 to 1: how likely the score is within a quarter of a person's;
    ``for_a_person``: too unsure to be shown without one. ``features``: what it was decided from."""

    score: float
    label: AnswerLabel
    confidence: float
    for_a_person: bool
    features: Mapping[str, float]


def assess_answer(
    question: str, references: Sequence[str], answer: str, embedder: Embedder | None = None
) -> Agreement:
    """The agreement of a learner's answer with the reference answer that it is nearest to.

    ``references``: at least one with words in it; raises ValueError otherwise. Without an embedder, or with one
    other than the packaged model (whose cosines the weights were made for), words alone decide.
    """
    given = [reference for reference in references if words(reference)]
    if not given:
        raise ValueError("A short answer needs a reference answer to be compared with: give at least one.")
    if not words(answer):
        return Agreement(0.0, "incorrect", 1.0, False, {})
    use_meaning = embedder is not None and embedder.identity.startswith("multilingual-e5-small/")
    features = measure(question, given, answer, embedder if use_meaning else None)
    return weigh(features, _weights()["meaning" if use_meaning else "words"])


def weigh(features: Mapping[str, float], weights: Mapping[str, Any]) -> Agreement:
    """The agreement by given weights: {"score", "confidence": {feature: weight}, "correct", "partly", "sure": thresholds}."""
    score = _logistic(weights["score"], features)
    confidence = _logistic(weights["confidence"], {**features, **doubt(score)})
    label: AnswerLabel = (
        "correct" if score >= weights["correct"] else "partly" if score >= weights["partly"] else "incorrect"
    )
    return Agreement(score, label, confidence, confidence < weights["sure"], features)


def doubt(score: float) -> dict[str, float]:
    """Features of the confidence that come from the score itself: sure scores lie at the ends."""
    return {"high": max(0.0, score - 0.5) * 2, "low": max(0.0, 0.5 - score) * 2}


def measure(
    question: str, references: Sequence[str], answer: str, embedder: Embedder | None = None
) -> dict[str, float]:
    """The features, each about 0 to 1. ``references``: not empty, each with words."""
    language = detect_language(" ".join((question, *references)), default=detect_language(answer))
    asked = set(stems(question, language))
    said = stems(answer, language)
    known = set(said)
    held = [stems(reference, language) or words(reference) for reference in references]
    covered = [_covered(reference, known, asked) for reference in held]
    best = max(range(len(held)), key=lambda at: covered[at])
    new = [[stem for stem in reference if stem not in asked] for reference in held]
    union = set().union(*held)
    features = {
        "covered": covered[best],
        "covered_new": max(
            (sum(stem in known for stem in one) / len(one) for one in new if one), default=covered[best]
        ),
        "covered_mean": sum(covered) / len(covered),
        "sentences": _sentences_covered(references[best], known, asked, language),
        "to_the_point": sum(stem in union for stem in said) / len(said) if said else 0.0,
        "only_the_question": sum(stem in asked and stem not in union for stem in said) / len(said)
        if said
        else 1.0,
        "copied": sum(stem in asked for stem in said) / len(said) if said else 1.0,
        "order": max(_order(said, reference) for reference in held),
        "letters": max(_letters_alike(answer, reference) for reference in references),
        "length": min(1.0, math.log1p(len(said)) / 4),
        "shorter": min(1.0, len(said) / max(1, len(held[best]))),
        "longer": min(1.0, max(0.0, math.log((len(said) + 1) / (len(held[best]) + 1))) / 2),
        "few_words": float(len(said) < 3),
        "many_references": min(1.0, len(references) / 8),
    }
    features |= _asserted(question, references, answer, best, language)
    if embedder is not None:
        features |= _meaning(question, references, answer, embedder)
    features["both"] = features["covered"] * features["to_the_point"]
    return features


def _covered(reference: Sequence[str], known: set[str], asked: set[str]) -> float:
    weights = [_GIVEN if stem in asked else 1.0 for stem in reference]
    return sum(weight for stem, weight in zip(reference, weights, strict=True) if stem in known) / sum(
        weights
    )


def _sentences_covered(reference: str, known: set[str], asked: set[str], language: str) -> float:
    """Share of the reference's sentences that the answer covers by a half: points made."""
    shares = [
        _covered(held, known, asked)
        for start, end in sentence_spans(reference)
        if (held := stems(reference[start:end], language))
    ]
    return sum(min(1.0, 2 * share) for share in shares) / len(shares) if shares else 0.0


def _order(said: Sequence[str], reference: Sequence[str]) -> float:
    """Neighbouring pairs of the reference that the answer has in the same order."""
    pairs = set(itertools.pairwise(reference))
    if not pairs:
        return float(bool(set(said) & set(reference)))
    held = {(one, other) for at, one in enumerate(said) for other in said[at + 1 : at + 4]}
    return len(pairs & held) / len(pairs)


def _letters_alike(one: str, other: str) -> float:
    """Cosine of the counts of four letters in a row: spelling mistakes and compounds still count."""
    first, second = _grams(one), _grams(other)
    shared = sum(count * second[gram] for gram, count in first.items() if gram in second)
    norm = math.sqrt(sum(c * c for c in first.values()) * sum(c * c for c in second.values()))
    return shared / norm if norm else 0.0


@functools.lru_cache(maxsize=4_096)
def _grams(text: str) -> Counter[str]:
    joined = f" {' '.join(words(text))} "
    return Counter(joined[at : at + _GRAM] for at in range(max(1, len(joined) - _GRAM + 1)))


def _asserted(
    question: str, references: Sequence[str], answer: str, best: int, language: str
) -> dict[str, float]:
    claim = read_assertion(answer, language)
    sources = [read_assertion(reference, language) for reference in references]
    asked = read_assertion(question, language)
    nearest = sources[best]
    wanted = [number for number in nearest.numbers if not any(number.agrees(n) for n in asked.numbers)]
    other = [
        number
        for number in claim.numbers
        if not any(number.agrees(n) for source in (*sources, asked) for n in source.numbers)
    ]
    found = sum(any(number.agrees(n) for n in claim.numbers) for number in wanted)
    return {
        "numbers_found": found / len(wanted) if wanted else 1.0,
        "other_numbers": min(1.0, len(other) / 2),
        "denial_differs": float(claim.denies != nearest.denies),
        "denial_in_none": float(all(claim.denies != source.denies for source in sources)),
        "opposite": float("opposite" in compare(claim, nearest).contradicts),
        "without_differs": float(claim.without != nearest.without),
    }


def _meaning(question: str, references: Sequence[str], answer: str, embedder: Embedder) -> dict[str, float]:
    points = [_pieces(reference) for reference in references]
    mine = _pieces(answer)
    texts = list(dict.fromkeys([question, answer, *mine, *references, *(p for one in points for p in one)]))
    vectors = dict(zip(texts, embedder.embed_queries(texts), strict=True))

    def cosine(one: str, other: str) -> float:
        return _stretched(float(vectors[one] @ vectors[other]))

    near = [cosine(answer, reference) for reference in references]
    best = max(range(len(references)), key=lambda at: near[at])
    to_question = cosine(answer, question)
    made = [max(cosine(point, piece) for piece in [*mine, answer]) for point in points[best]]
    return {
        "near": near[best],
        "near_mean": sum(near) / len(near),
        "near_question": to_question,
        "nearer_than_question": near[best] - cosine(references[best], question),
        "points_near": sum(made) / len(made),
        "point_farthest": min(made),
    }


def _pieces(text: str) -> list[str]:
    pieces = [text[start:end] for start, end in sentence_spans(text) if words(text[start:end])]
    return pieces[:_MOST_SENTENCES] or [text]


def _stretched(cosine: float) -> float:
    return (cosine - _COSINE_FLOOR) / _COSINE_SPAN


def _logistic(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    total = weights["bias"] + sum(weight * features.get(name, 0.0) for name, weight in weights.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


@functools.cache
def _weights() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(WEIGHTS_FILE.read_text("utf-8"))
    return read
