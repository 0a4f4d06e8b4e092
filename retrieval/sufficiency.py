"""Do the hits hold an answer? A gate of its own, ahead of whatever words the answer.

Search scores cannot tell: the best hit for a question that is not covered scores as high as for one that is.
So the gate looks at what the question names and whether the best passages speak of it: rarity-weighted
coverage of its words, agreement of names and numbers, nearness of meaning. The weights are those of the
script described in docs/decisions/0003-embedded-retrieval.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from retrieval.keywords import KeywordIndex
from retrieval.languages import fold_accents, stems, words
from retrieval.nouns import Hit, Sufficiency, Verdict

_LOOKED_AT = 3
_NAME = re.compile(r"[^\W_]+(?:[.\-][^\W_]+)*")

# Logistic weights over the features below; one set where question and passages share a language, one where not.
SAME_LANGUAGE = {
    "bias": -9.0,
    "best": 4.0,
    "together": 2.0,
    "names": 1.0,
    "near": 8.0,
    "lead": 0.0,
}
OTHER_LANGUAGE = {
    "bias": -16.0,
    "best": 1.0,
    "together": 1.0,
    "names": 1.0,
    "near": 18.0,
    "lead": 0.0,
}
COVERED, PARTLY = 0.6, 0.35


def judge(question: str, hits: Sequence[Hit], keywords: KeywordIndex, language: str) -> Sufficiency:
    """The verdict over the first hits. ``keywords`` is the index of the scope, for the rarity of words."""
    if not hits:
        return Sufficiency("not_covered", 0.0, {"hits": 0.0})
    features, missing = measure(question, hits, keywords, language)
    shares_language = any(hit.language == language for hit in hits[:_LOOKED_AT])
    weights = SAME_LANGUAGE if shares_language else OTHER_LANGUAGE
    total = weights["bias"] + sum(weights[name] * value for name, value in features.items())
    score = 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
    verdict: Verdict = "covered" if score >= COVERED else "partly" if score >= PARTLY else "not_covered"
    return Sufficiency(verdict, score, features, missing)


def measure(
    question: str, hits: Sequence[Hit], keywords: KeywordIndex, language: str
) -> tuple[dict[str, float], tuple[str, ...]]:
    """The features, each 0 to 1, and the question's words that no looked-at passage has.

    best: rarity-weighted share of the question's words in the one passage that has most of them;
    together: the same over all looked-at passages; names: share of names, acronyms and numbers found;
    near: cosine of the nearest; lead: how far it is ahead of the last hit.
    """
    terms = keywords.question_terms(question, language)
    looked_at = hits[:_LOOKED_AT]
    held = [_terms_of(hit) for hit in looked_at]
    weight = {word: max(keywords.rarity(stem) if keywords.occurs(stem) else 0.0 for stem in stemmed) or
              keywords.rarity("\0") for word, stemmed in terms.items()}  # fmt: skip
    whole = sum(weight.values())
    shares = [
        sum(weight[word] for word, stemmed in terms.items() if stemmed & own) / whole if whole else 0.0
        for own in held
    ]
    everything = frozenset().union(*held)
    missing = tuple(word for word, stemmed in terms.items() if not stemmed & everything)
    together = 1 - sum(weight[word] for word in missing) / whole if whole else 0.0
    nearest = max(hit.vector_score for hit in looked_at)
    furthest = min((hit.vector_score for hit in hits if hit.vector_score > 0), default=nearest)
    features = {
        "best": max(shares),
        "together": together,
        "names": _names_found(question, looked_at),
        "near": nearest,
        "lead": nearest - furthest,
    }
    return features, missing


def _terms_of(hit: Hit) -> frozenset[str]:
    passage = hit.passage
    text = " ".join((passage.document_title, *passage.heading_path, passage.text))
    return frozenset(stems(text, passage.language))


def _names_found(question: str, hits: Sequence[Hit]) -> float:
    """Share of the question's names and numbers that the passages have; 1 where it has none."""
    named = {
        fold_accents(word.casefold())
        for at, word in enumerate(_NAME.findall(question))
        if any(letter.isdigit() for letter in word)
        or word[1:] != word[1:].lower()
        or (at and word[0].isupper())
    }
    if not named:
        return 1.0
    held = {
        fold_accents(word)
        for hit in hits
        for word in words(
            " ".join(
                (
                    hit.passage.document_title,
                    *hit.passage.heading_path,
                    hit.passage.text,
                )
            )
        )
    }
    return sum(all(part in held for part in words(name)) for name in named) / len(named)
