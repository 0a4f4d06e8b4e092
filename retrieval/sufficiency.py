"""Do the hits hold an answer? A gate of its own, ahead of whatever words the answer.

Search scores cannot tell: the best hit for a question that is not covered scores as high as for one that is.
So the gate looks at what the question names and whether the best passages speak of it: rarity-weighted
coverage of its words, agreement of names and numbers, nearness of meaning. The weights are those of the
script described in docs/decisions/0003-embedded-retrieval.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from retrieval.citations import sentence_spans
from retrieval.keywords import KeywordIndex
from retrieval.languages import fold_accents, stems, words
from retrieval.nouns import Hit, Sufficiency, Verdict

_LOOKED_AT = 3
_NAME = re.compile(r"[^\W_]+(?:[.\-][^\W_]+)*")
_STARTS = re.compile(r"(?:^|[.!?:;…¿¡\"“”(\[])[\s\"“”]*$")

# Logistic weights over the features below. Cosines of one model mean nothing for another, so a model without
# weights of its own is judged by words alone.
_E5 = {"bias": -33.6, "window": 5.0, "together": 0.0, "names": 0.5, "near": 36.0}
# The right passage in another language is 0.067 further away (see search.py), and shares names at the most.
_E5_FOREIGN = {"bias": -30.0, "window": 2.0, "together": 0.0, "names": 0.5, "near": 36.0}
_WORDS_ALONE = {"bias": -4.0, "window": 6.0, "together": 1.5, "names": 0.5, "near": 0.0}
COVERED, PARTLY = 0.5, 0.2
_FEWEST_WORDS = 2


def judge(
    question: str, hits: Sequence[Hit], keywords: KeywordIndex, language: str, model: str
) -> Sufficiency:
    """The verdict over the first hits. ``keywords`` is the index of the scope, for the rarity of words;
    ``model`` the identity of the embedder that found the hits."""
    if not hits:
        return Sufficiency("not_covered", 0.0, {"hits": 0.0})
    features, missing = measure(question, hits, keywords, language)
    if not model.startswith("multilingual-e5-small/"):
        weights = _WORDS_ALONE
    else:
        shares_language = any(hit.language == language for hit in hits[:_LOOKED_AT])
        weights = _E5 if shares_language else _E5_FOREIGN
    if features["together"] == 0 and len(words(question)) <= _FEWEST_WORDS:
        # A word or two that no passage has ("hi") is no question; nearness alone would find something for it.
        return Sufficiency("not_covered", 0.0, features, missing)
    total = weights["bias"] + sum(weights[name] * value for name, value in features.items())
    score = 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
    verdict: Verdict = "covered" if score >= COVERED else "partly" if score >= PARTLY else "not_covered"
    return Sufficiency(verdict, score, features, missing)


def measure(
    question: str, hits: Sequence[Hit], keywords: KeywordIndex, language: str
) -> tuple[dict[str, float], tuple[str, ...]]:
    """The features, each 0 to 1, and the question's words that no looked-at passage has.

    window: rarity-weighted share of the question's words in the two neighbouring sentences that have most of
    them; together: the same over all looked-at passages; names: share of names, acronyms and numbers found;
    near: cosine of the nearest.
    """
    terms = keywords.question_terms(question, language)
    looked_at = hits[:_LOOKED_AT]
    held = [_terms_of(hit) for hit in looked_at]
    weight = {word: max(keywords.rarity(stem) if keywords.occurs(stem) else 0.0 for stem in stemmed) or
              keywords.rarity("\0") for word, stemmed in terms.items()}  # fmt: skip
    whole = sum(weight.values())
    shares = [
        sum(weight[word] for word, stemmed in terms.items() if stemmed & own) / whole if whole else 0.0
        for hit in looked_at
        for own in _windows_of(hit)
    ]
    everything = frozenset().union(*held)
    missing = tuple(word for word, stemmed in terms.items() if not stemmed & everything)
    together = 1 - sum(weight[word] for word in missing) / whole if whole else 0.0
    nearest = max(hit.vector_score for hit in looked_at)
    features = {
        "window": max(shares, default=0.0),
        "together": together,
        "names": _names_found(question, looked_at),
        "near": nearest,
    }
    return features, missing


def _terms_of(hit: Hit) -> frozenset[str]:
    passage = hit.passage
    text = " ".join((passage.document_title, *passage.heading_path, passage.text))
    return frozenset(stems(text, passage.language))


def _windows_of(hit: Hit) -> Iterator[frozenset[str]]:
    """The words of each two neighbouring sentences, with those of the headings above them."""
    passage = hit.passage
    above = " ".join(passage.heading_path)
    spans = sentence_spans(passage.text)
    for at, (start, _) in enumerate(spans):
        end = spans[min(at + 1, len(spans) - 1)][1]
        yield frozenset(stems(f"{above} {passage.text[start:end]}", passage.language))


def _names_found(question: str, hits: Sequence[Hit]) -> float:
    """Share of the question's names and numbers that the passages have; 1 where it has none."""
    named = {
        fold_accents(match.group().casefold())
        for match in _NAME.finditer(question)
        if len(match.group()) > 1
        and _is_name(match.group(), _STARTS.search(question[: match.start()]) is not None)
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


def _is_name(word: str, starts_sentence: bool) -> bool:
    """Has a digit or an inner capital, or a capital where a sentence does not give it one ("I'm" is none)."""
    if any(letter.isdigit() for letter in word) or word[1:] != word[1:].lower():
        return True
    return word[0].isupper() and not starts_sentence
