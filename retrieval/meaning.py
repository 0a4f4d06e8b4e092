"""The vectors of a scope, centred: what each passage is about beyond what all passages have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrieval.background import STEADYING, Background, Vector
from retrieval.shelves import FloatMatrix, Shelf, unpack_sentences


class MeaningIndex:
    """Over the passages of a scope, in the order of its shelves.

    ``complete``: whether every passage's centred vector is held (4 bytes for each dimension); without it they
    are made for the passages that are asked for.
    """

    def __init__(self, shelves: Sequence[Shelf], background: Background, *, complete: bool) -> None:
        self._shelves = shelves
        self._share = background.share
        self._starts = np.cumsum([0, *(len(shelf.ids) for shelf in shelves)])
        self._languages = [language for shelf in shelves for language in shelf.languages]
        self._means = self._means_by_language(background)
        self._mean = (
            np.mean(list(self._means.values()), axis=0) if self._means else background.passage_mean("")
        )
        everything = range(len(self._languages))
        self._centred = self.rows(everything) if complete and self._languages else None
        names = [name for shelf in shelves for name in shelf.document_ids]
        number = {name: at for at, name in enumerate(dict.fromkeys(names))}
        self._document_of = np.array([number[name] for name in names], np.int64)
        self._documents = self._document_rows(len(number))

    def near(self, question: Vector) -> npt.NDArray[np.float32]:
        """Centred cosine of each passage with a centred question. Only where the index is complete."""
        assert self._centred is not None
        scores: npt.NDArray[np.float32] = self._centred @ question
        return scores

    def documents_near(self, question: Vector) -> npt.NDArray[np.float32]:
        """For each passage the centred cosine of its document as a whole; zeros where that is not known."""
        if self._documents is None:
            return np.zeros(len(self._languages), np.float32)
        scores: npt.NDArray[np.float32] = (self._documents @ question)[self._document_of]
        return scores

    def document_of(self, position: int) -> int:
        """A number for the document that the passage is of."""
        return int(self._document_of[position])

    def rows(self, positions: Sequence[int]) -> FloatMatrix:
        """(len(positions), dimensions) centred rows of length one; zeros for a passage without a vector."""
        return self.centred(self.raw(positions), [self._languages[at] for at in positions])

    def raw(self, positions: Sequence[int]) -> FloatMatrix:
        """The rows as the model gave them."""
        if not self._shelves:
            return np.zeros((0, 1), np.float32)
        out = np.zeros((len(positions), self._shelves[0].vectors.shape[1]), np.float32)
        where = np.asarray(positions, np.int64)
        shelf_of = np.searchsorted(self._starts, where, side="right") - 1
        for number, shelf in enumerate(self._shelves):
            own = shelf_of == number
            out[own] = shelf.vectors[where[own] - self._starts[number]]
        return out

    def sentences(
        self, positions: Sequence[int]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], FloatMatrix]:
        """The sentences of the passages that have vectors for them: (position of each one's passage, its (start, end),
        its centred row)."""
        owners: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
        spans: list[npt.NDArray[np.int64]] = [np.zeros((0, 2), np.int64)]
        packed: list[npt.NDArray[np.int8]] = []
        for at in positions:
            number = int(np.searchsorted(self._starts, at, side="right")) - 1
            shelf = self._shelves[number]
            if not len(shelf.sentence_rows):
                continue
            row = at - int(self._starts[number])
            own = slice(int(shelf.sentence_starts[row]), int(shelf.sentence_starts[row + 1]))
            if own.stop > own.start:
                owners.append(np.full(own.stop - own.start, at, np.int64))
                spans.append(shelf.sentence_spans[own])
                packed.append(shelf.sentence_rows[own])
        owner = np.concatenate(owners)
        if not packed:
            return owner, spans[0], np.zeros((0, 1), np.float32)
        rows = unpack_sentences(np.concatenate(packed))
        return owner, np.concatenate(spans), self.centred(rows, [self._languages[at] for at in owner])

    def centred(self, rows: FloatMatrix, languages: Sequence[str]) -> FloatMatrix:
        """Rows of passages, or of parts of them, centred by their languages."""
        if not len(rows):
            return rows
        missing = ~rows.any(axis=1)
        means = np.stack([*self._means.values(), self._mean])
        number = {name: at for at, name in enumerate(self._means)}
        shifted = rows - self._share * means[[number.get(name, -1) for name in languages]]
        shifted /= np.maximum(np.linalg.norm(shifted, axis=1, keepdims=True), 1e-12)
        shifted[missing] = 0.0
        out: FloatMatrix = shifted.astype(np.float32)
        return out

    def _means_by_language(self, background: Background) -> dict[str, Vector]:
        spoken = np.array(self._languages, dtype="U8")
        means = {}
        for name in sorted(set(self._languages)):
            total = STEADYING * background.passage_mean(name)
            count = float(STEADYING)
            for number, shelf in enumerate(self._shelves):
                own = shelf.vectors[spoken[self._starts[number] : self._starts[number + 1]] == name]
                own = own[own.any(axis=1)]
                total = total + own.sum(axis=0)
                count += len(own)
            means[name] = (total / count).astype(np.float32)
        return means

    def _document_rows(self, count: int) -> FloatMatrix | None:
        if self._centred is None:
            return None
        rows = np.zeros((count, self._centred.shape[1]), np.float32)
        np.add.at(rows, self._document_of, self._centred)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows
