"""Formative feedback without a model: per criterion a suggestion, the learner's own words, and one thing to try next.

It is a suggestion and is called one. Each sentence of the response is compared with the author's phrases, the strong example
and the weak one; words count first (a phrase whose content words all occur), then meaning. What is between the two stays
"can't tell": a wrong "met" teaches the wrong thing, and a person decides in the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from app.coach.units import units_of
from retrieval import Embedder
from retrieval.languages import detect_language, stems

Status = Literal["met", "not_yet", "cant_tell"]

# Chosen on the sample tasks in three languages: with these all 99 criteria of the worked strong responses are suggested as
# met and 1 of the 99 of the weak ones (docs/benchmarks.md, tests/app/coach/test_feedback.py). Learners' own answers are less
# tidy than an author's examples, so the figures are an upper bound; that is why a person decides.
WORDS_MET = 0.75  # share of a phrase's content words that one sentence has
WORDS_SHARED = 0.5  # the least share where meaning speaks for it
WORDS_NEAR = 0.45
LEAST_MARGIN = 0.01  # cosine to the strong example over the cosine to the weak one
CLEAR_MARGIN = 0.035
CLOSE = 0.92  # e5's cosines between sentences on one subject lie between .80 and .97
NEAR = 0.88


@dataclass(frozen=True)
class CriterionFeedback:
    """The suggestion for one criterion. `quote` are the learner's own words, verbatim, or None where none fit."""

    criterion: str
    status: Status
    quote: str | None
    next_try: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Judged:
    share: float
    margin: float
    closeness: float

    @property
    def rank(self) -> float:
        return self.share + 2 * self.margin


def give_feedback(
    embedder: Embedder, criteria: Sequence[Mapping[str, Any]], response: str
) -> list[CriterionFeedback]:
    """One suggestion for each criterion (`id, look_for, strong_example, weak_example, next_try`), in their order.

    The response is data: whatever it says, it is only compared.
    """
    sentences = [
        unit.text for unit in units_of(response) if any(character.isalnum() for character in unit.text)
    ]
    if not sentences:
        return [CriterionFeedback(c["id"], "not_yet", None, c.get("next_try", "")) for c in criteria]
    vectors = np.asarray(embedder.embed_passages(sentences))
    return [_judge_criterion(embedder, criterion, sentences, vectors) for criterion in criteria]


def _judge_criterion(
    embedder: Embedder, criterion: Mapping[str, Any], sentences: Sequence[str], vectors: Any
) -> CriterionFeedback:
    strong = [text for text in (criterion.get("strong_example"), *criterion.get("look_for", ())) if text]
    weak = [text for text in (criterion.get("weak_example"),) if text]
    examples = np.asarray(embedder.embed_passages([*strong, *weak]))
    likeness = vectors @ examples.T
    to_strong = likeness[:, : len(strong)].max(axis=1)
    to_weak = likeness[:, len(strong) :].max(axis=1) if weak else np.full(len(sentences), 0.0)
    language = detect_language(" ".join(strong), default="en")
    judged = [
        _Judged(
            max(_share(phrase, sentence, language) for phrase in criterion.get("look_for", ()) or strong),
            float(to_strong[i] - to_weak[i]) if weak else 0.0,
            float(to_strong[i]),
        )
        for i, sentence in enumerate(sentences)
    ]
    best = max(range(len(sentences)), key=lambda i: judged[i].rank)
    status = _status(judged[best])
    next_try = "" if status == "met" else str(criterion.get("next_try", ""))
    return CriterionFeedback(
        criterion["id"], status, sentences[best] if status != "not_yet" else None, next_try
    )


def _status(best: _Judged) -> Status:
    if best.share >= WORDS_MET and best.margin > LEAST_MARGIN:
        return "met"
    if best.share >= WORDS_SHARED and best.closeness >= CLOSE and best.margin >= CLEAR_MARGIN:
        return "met"
    if best.share >= WORDS_NEAR or (best.closeness >= NEAR and best.margin > 0):
        return "cant_tell"
    return "not_yet"


def _share(phrase: str, sentence: str, language: str) -> float:
    """The share of the phrase's content stems that the sentence has."""
    wanted = set(stems(phrase, language))
    return len(wanted & set(stems(sentence, language))) / len(wanted) if wanted else 0.0
