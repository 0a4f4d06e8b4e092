"""Keyword search: BM25 over stems, each passage stemmed in its own language."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrieval.languages import UNKNOWN, is_stop_word, stems_of_words, words
from retrieval.shelves import Shelf


class KeywordIndex:
    """BM25 (k1 1.2, b 0.75) over the passages of a scope, in the order of its shelves."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        documents = [terms for shelf in shelves for terms in shelf.terms]
        self.ids = [id_ for shelf in shelves for id_ in shelf.ids]
        self.spoken = np.array([language for shelf in shelves for language in shelf.languages], dtype="U8")
        names, counts = np.unique(self.spoken, return_counts=True)
        self.languages = frozenset(str(name) for name in names)
        self.main_language = str(names[counts.argmax()]) if len(names) else UNKNOWN
        self._size = len(documents)
        self._containing: Counter[str] = Counter()
        for terms in documents:
            self._containing.update(set(terms))
        self._model = None
        if self._containing:
            import bm25s  # type: ignore[import-untyped,unused-ignore]

            vocabulary = {term: number for number, term in enumerate(self._containing)}
            numbers = [[vocabulary[term] for term in terms] for terms in documents]
            self._model = bm25s.BM25(k1=1.2, b=0.75)
            self._model.index((numbers, vocabulary), show_progress=False)
        self._lock = threading.Lock()

    def question_terms(self, question: str, language: str) -> dict[str, frozenset[str]]:
        """Each word of the question that carries meaning, with its stem in every language of the scope."""
        chosen = [word for word in dict.fromkeys(words(question)) if not is_stop_word(word, language)]
        stemmed = [stems_of_words(chosen, name) for name in sorted(self.languages | {language})]
        return {word: frozenset(row[at] for row in stemmed) for at, word in enumerate(chosen)}

    def scores(self, question: str, language: str) -> npt.NDArray[np.float32]:
        """BM25 of every passage; zeros where no word is shared."""
        if self._model is None:
            return np.zeros(self._size, np.float32)
        terms = {stem for stemmed in self.question_terms(question, language).values() for stem in stemmed}
        known = sorted(term for term in terms if term in self._containing)
        if not known:
            return np.zeros(self._size, np.float32)
        with self._lock:
            scores: npt.NDArray[np.float32] = np.asarray(self._model.get_scores(known), np.float32)
        return scores

    def ideal(self, question: str, language: str) -> float:
        """What the rarities of the question's words add up to: no passage scores as much; 0 without words."""
        return sum(
            max((self.rarity(stem) for stem in stemmed if self.occurs(stem)), default=self.rarity(""))
            for stemmed in self.question_terms(question, language).values()
        )

    def rarity(self, term: str) -> float:
        """Inverse document frequency within the scope; highest for a word that does not occur."""
        containing = self._containing.get(term, 0)
        return math.log(1 + (self._size - containing + 0.5) / (containing + 0.5))

    def occurs(self, term: str) -> bool:
        return term in self._containing
