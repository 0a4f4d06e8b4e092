"""What any library gives without us, to hold our numbers against: plain BM25, and tf-idf cosine for short answers."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.pack import Corpus

# Snowball's name for a language, and the name of bm25s's list of stop words for it.
_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
_STOP_WORDS = {
    "de": "GERMAN", "en": "EN_PLUS", "es": "SPANISH", "fr": "FRENCH", "it": "ITALIAN", "nl": "DUTCH", "no": "NORWEGIAN",
    "pt": "PORTUGUESE", "ru": "RUSSIAN", "sv": "SWEDISH", "tr": "TURKISH",
}  # fmt: skip


class PlainBM25:
    """bm25s (k1 1.2, b 0.75) over title, section and text, stemmed in the language of the corpus; questions in
    any language are treated as if they were in it."""

    def __init__(self, corpus: Corpus) -> None:
        import bm25s  # type: ignore[import-untyped,unused-ignore]
        import Stemmer  # type: ignore[import-not-found,unused-ignore]
        from bm25s import stopwords

        self.ids = [passage.id for passage in corpus.passages]
        language = corpus.language
        self._stemmer = Stemmer.Stemmer(_STEMMERS[language]) if language in _STEMMERS else None
        name = _STOP_WORDS.get(language)
        self._stop_words = list(getattr(stopwords, f"STOPWORDS_{name}", ())) if name else []
        self._tokenize = bm25s.tokenize
        tokens = bm25s.tokenize(
            [f"{passage.title} {passage.section} {passage.text}" for passage in corpus.passages],
            stopwords=self._stop_words,
            stemmer=self._stemmer,
            show_progress=False,
        )
        self._model = bm25s.BM25(k1=1.2, b=0.75)
        self._model.index(tokens, show_progress=False)

    def ranked(self, question: str, depth: int = 10) -> tuple[list[str], float]:
        """(ids of the first passages, best first; score of the first)."""
        scored = self.scored(question, depth)
        return [id_ for id_, _ in scored], scored[0][1]

    def scored(self, question: str, depth: int = 10) -> list[tuple[str, float]]:
        """(id, score) of the first passages, best first."""
        terms = self._tokenize(
            [question],
            stopwords=self._stop_words,
            stemmer=self._stemmer,
            show_progress=False,
            return_ids=False,
        )[0]
        scores: npt.NDArray[np.float32] = (
            np.asarray(self._model.get_scores(terms)) if terms else np.zeros(len(self.ids), np.float32)
        )
        order = np.argsort(-scores, kind="stable")[:depth]
        return [(self.ids[at], float(scores[at])) for at in order]


_TOKEN = re.compile(r"\b\w\w+\b")


class TfIdf:
    """Words and pairs of neighbouring words, tf 1 + ln, smoothed idf, length one: the usual first attempt."""

    def __init__(self, texts: Sequence[str]) -> None:
        containing = Counter(term for text in texts for term in set(_terms(text)))
        self._rarity = {
            term: math.log((1 + len(texts)) / (1 + count)) + 1 for term, count in containing.items()
        }

    def cosine(self, left: str, right: str) -> float:
        first, second = self._weights(left), self._weights(right)
        return sum(weight * second.get(term, 0.0) for term, weight in first.items())

    def _weights(self, text: str) -> dict[str, float]:
        weights = {
            term: (1 + math.log(count)) * self._rarity[term]
            for term, count in Counter(_terms(text)).items()
            if term in self._rarity
        }
        length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        return {term: weight / length for term, weight in weights.items()}


def _terms(text: str) -> list[str]:
    found = _TOKEN.findall(text.lower())
    return [*found, *(f"{one} {other}" for one, other in itertools.pairwise(found))]
