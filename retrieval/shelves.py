"""What is searched: the passages of one collection at one version, read from the database and kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from retrieval.languages import stems
from retrieval.models import DocumentRow, PassageRow

FloatMatrix = npt.NDArray[np.float32]
Built = TypeVar("Built")


@dataclass(frozen=True)
class Shelf:
    """Parallel lists over a collection's passages. ``vectors`` has a zero row where a passage has no vector
    of the current model (keyword search still finds it).

    Sentences of all passages lie one after the other: those of passage i from ``sentence_starts[i]`` to
    ``sentence_starts[i + 1]``; ``sentence_rows`` as ``pack_sentences`` packs them, ``sentence_spans`` their (start, end).
    """

    collection_id: str
    version: int
    ids: list[str]
    document_ids: list[str]
    languages: list[str]
    terms: list[list[str]]
    vectors: FloatMatrix
    sentence_starts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    sentence_spans: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    sentence_rows: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), np.int8))


class VersionedCache(Generic[Built]):
    """What was built over collections at certain versions. Safe to call from several threads."""

    def __init__(self, *, most: int = 50) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[tuple[str, int], ...], Built] = OrderedDict()

    def get(self, key: tuple[tuple[str, int], ...], build: Callable[[], Built]) -> Built:
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held
        # Built outside the lock: two threads may both build, which costs time but nothing else.
        fresh = build()
        with self._lock:
            self._held[key] = fresh
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return fresh


class ShelfCache:
    """Shelves by collection, dropped when their version has passed. Safe to call from several threads."""

    def __init__(self, *, most: int = 200) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, str], Shelf] = OrderedDict()

    def shelf(
        self,
        session: Session,
        collection_id: str,
        version: int,
        identity: str,
        dimensions: int,
    ) -> Shelf:
        """The shelf at this version or a later one."""
        key = (collection_id, identity)
        with self._lock:
            held = self._held.get(key)
            if held is not None and held.version == version:
                self._held.move_to_end(key)
                return held
        # Read outside the lock: two threads may both read, which costs time but nothing else.
        fresh = read_shelf(session, collection_id, version, identity, dimensions)
        with self._lock:
            self._held[key] = fresh
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return fresh


def read_shelf(session: Session, collection_id: str, version: int, identity: str, dimensions: int) -> Shelf:
    """Reads a collection's passages in reading order."""
    rows = session.execute(
        select(
            PassageRow.id,
            PassageRow.document_id,
            PassageRow.language,
            PassageRow.heading_path,
            PassageRow.text,
            PassageRow.vector,
            PassageRow.embedder,
            PassageRow.sentences,
            PassageRow.sentence_vectors,
            DocumentRow.title,
        )
        .join(DocumentRow, DocumentRow.id == PassageRow.document_id)
        .where(PassageRow.collection_id == collection_id)
        .order_by(PassageRow.document_id, PassageRow.ordinal)
    ).all()
    vectors = np.zeros((len(rows), dimensions), np.float32)
    terms: list[list[str]] = []
    starts, spans, packed = [0], [], []
    for at, row in enumerate(rows):
        if row.embedder == identity:
            vectors[at] = unpack_vector(row.vector)
            if row.sentence_vectors:
                spans += row.sentences
                packed.append(row.sentence_vectors)
        starts.append(len(spans))
        terms.append(stems(" ".join((row.title, *row.heading_path, row.text)), row.language))
    return Shelf(
        collection_id,
        version,
        [row.id for row in rows],
        [row.document_id for row in rows],
        [row.language for row in rows],
        terms,
        vectors,
        np.array(starts, np.int64),
        np.array(spans, np.int64).reshape(-1, 2),
        np.frombuffer(b"".join(packed), np.int8).reshape(-1, dimensions + 2),
    )


def pack_vector(vector: npt.NDArray[np.float32]) -> bytes:
    """Half precision halves the space; measured cosines change by less than 0.0002."""
    return vector.astype("<f2").tobytes()


def pack_sentences(rows: FloatMatrix) -> bytes:
    """Rows of unequal use in a quarter of the space: for each a float16 scale, then one signed byte for each
    dimension. Measured cosines change by less than 0.004."""
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-6) / 127
    scales = scales.astype("<f2").astype(np.float32)
    small = np.clip(np.rint(rows / scales[:, None]), -127, 127).astype(np.int8)
    packed = np.concatenate([scales.astype("<f2").view(np.int8).reshape(-1, 2), small], axis=1)
    return packed.tobytes()


def unpack_sentences(packed: npt.NDArray[np.int8]) -> FloatMatrix:
    """(sentences, dimensions) out of (sentences, dimensions + 2); the inverse of ``pack_sentences`` up to rounding."""
    scales = np.ascontiguousarray(packed[:, :2]).view("<f2").astype(np.float32)
    rows: FloatMatrix = packed[:, 2:].astype(np.float32) * scales
    return rows


def unpack_vector(stored: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(stored, "<f2").astype(np.float32)
