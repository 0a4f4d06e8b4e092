"""Do the hits hold an answer? A gate of its own, ahead of whatever words the answer.

Search scores cannot tell: the best hit for a question that is not covered scores as high as for one that is.
So the gate measures what the question names and whether the passages speak of it, whether a sentence is near it in
meaning and clearly nearer than others, and whether what is asked for (a number, a person, a time) stands there.
A logistic model weighs these; its weights come from bench/train_sufficiency.py, its error rates are in
docs/decisions/0009-the-gate.md.
"""

from __future__ import annotations

import functools
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from retrieval.languages import words
from retrieval.measuring import LOOKED_AT, Words, measure
from retrieval.nouns import Hit, Sufficiency, Verdict

log = logging.getLogger(__name__)

# Says how likely it is, 0 to 1, that the passages answer the question: a language model, say.
Opinion = Callable[[str, Sequence[str]], float]

# Similarities of one model mean nothing for another: one without weights of its own is judged by words.
_KNOWN_MODEL = "multilingual-e5-small/"

_FEWEST_WORDS = 2
# Of a model's opinion when there is one; it reads, the measurements only count.
_OPINION_WEIGHT = 0.7
_SURE = 0.98  # no opinion counts as surer than this, so that the measurements keep a say


def judge(
    question: str,
    hits: Sequence[Hit],
    keywords: Words,
    language: str,
    model: str,
    *,
    opinion: Opinion | None = None,
) -> Sufficiency:
    """The verdict over the hits of one search, best first (eight, of which the first five are read).

    ``question`` stands alone: the caller has put in what a follow-up leans on. ``keywords`` is the index of the
    scope, for the rarity of words; ``model`` the identity of the embedder that found the hits. ``opinion``, where
    given, is asked for its probability with the question and the texts of the passages; it counts for more than the
    measurements, and where it fails they stand alone.
    """
    if not hits:
        return Sufficiency("not_covered", 0.0, {"hits": 0.0})
    known = model.startswith(_KNOWN_MODEL)
    features, missing = measure(question, hits, keywords, language, by_meaning=known)
    if features["together"] == 0 and len(words(question)) <= _FEWEST_WORDS:
        # A word or two that no passage has ("hi") is no question; nearness alone would find something for it.
        return Sufficiency("not_covered", 0.0, features, missing)
    weighing = weighings()[weighing_for(features, hits, language)]
    total = weighing.total(features)
    if opinion is not None:
        try:
            said = min(
                max(opinion(question, [hit.passage.text for hit in hits[:LOOKED_AT]]), 1 - _SURE), _SURE
            )
        except Exception:
            log.warning(
                "the model that judges the passages failed; the measurements stand alone", exc_info=True
            )
        else:
            features["opinion"] = said
            total = (1 - _OPINION_WEIGHT) * total + _OPINION_WEIGHT * math.log(said / (1 - said))
    score = 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
    verdict: Verdict = (
        "covered" if score >= weighing.covered else "partly" if score >= weighing.partly else "not_covered"
    )
    return Sufficiency(verdict, score, features, missing)


@dataclass(frozen=True)
class Weighing:
    """A logistic model over features brought to mean 0 and deviation 1. Its probability is calibrated on questions
    of sources that it had not seen; ``covered`` and ``partly`` are the least probabilities of these verdicts."""

    bias: float
    weights: Mapping[str, tuple[float, float, float]]  # feature -> weight, mean, deviation
    covered: float
    partly: float

    def total(self, features: Mapping[str, float]) -> float:
        """The log-odds. A feature that could not be measured counts as average."""
        return self.bias + sum(
            weight * (features[name] - mean) / deviation
            for name, (weight, mean, deviation) in self.weights.items()
            if name in features
        )


@functools.cache
def weighings() -> dict[str, Weighing]:
    """By situation: "meaning" (sentence vectors at hand), "foreign" (and no hit in the question's language), "words"."""
    stored = json.loads(files("retrieval").joinpath("sufficiency_weights.json").read_text("utf-8"))
    return {
        name: Weighing(
            one["bias"],
            {feature: (w, mean, deviation) for feature, (w, mean, deviation) in one["weights"].items()},
            one["covered"],
            one["partly"],
        )
        for name, one in stored["weighings"].items()
    }


def weighing_for(features: Mapping[str, float], hits: Sequence[Hit], language: str) -> str:
    if "nearest" not in features:
        return "words"
    return "meaning" if any(hit.language == language for hit in hits[:LOOKED_AT]) else "foreign"
