"""The vector index: chromadb behind one door, for scopes too large to search exactly.

The vectors themselves are kept in the database; this index is a copy that can be thrown away. One chroma
collection for each library collection and model, because a metadata filter over one large index was measured
several hundred times slower. chromadb takes seconds to import, so it is imported on first use.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

FloatMatrix = npt.NDArray[np.float32]

_BATCH = 1_000
# Killed while adding, an index with a threshold of 100 could not be opened again in our trials; with 1,000
# none of 60 was damaged.
_SYNC_THRESHOLD = 2_000


class VectorIndex:
    """Vectors by passage id, one index for each (collection, model). Safe to call from several threads."""

    def __init__(self, folder: Path, *, url: str | None = None) -> None:
        self._folder = folder
        self._url = url
        self._opening = threading.Lock()
        self._client: ClientAPI | None = None

    def ids(self, collection_id: str, identity: str) -> set[str]:
        """Ids that the index holds; empty where there is no index yet."""
        held: set[str] = set()
        found = self._existing(collection_id, identity)
        if found is None:
            return held
        for offset in range(0, found.count(), 10_000):
            held.update(found.get(limit=10_000, offset=offset, include=[])["ids"])
        return held

    def count(self, collection_id: str, identity: str) -> int:
        found = self._existing(collection_id, identity)
        return 0 if found is None else found.count()

    def put(
        self,
        collection_id: str,
        identity: str,
        ids: Sequence[str],
        vectors: FloatMatrix,
    ) -> None:
        """Adds or replaces; the same call twice leaves the same index."""
        if not ids:
            return
        target = self._opened().get_or_create_collection(
            _name(collection_id, identity),
            embedding_function=None,
            metadata={"collection_id": collection_id, "model": identity},
            configuration={"hnsw": {"space": "cosine", "sync_threshold": _SYNC_THRESHOLD}},
        )
        for part in _parts(ids):
            target.upsert(ids=list(ids[part]), embeddings=vectors[part])

    def remove(self, collection_id: str, identity: str, ids: Iterable[str]) -> None:
        found = self._existing(collection_id, identity)
        chosen = list(ids)
        if found is not None:
            for part in _parts(chosen):
                found.delete(ids=chosen[part])

    def nearest(
        self,
        collection_id: str,
        identity: str,
        question: npt.NDArray[np.float32],
        count: int,
    ) -> list[tuple[str, float]]:
        """(passage id, cosine) of the nearest vectors, nearest first; approximate."""
        found = self._existing(collection_id, identity)
        if found is None or not (held := found.count()):
            return []
        answer = found.query(
            query_embeddings=question[None, :],
            n_results=min(count, held),
            include=["distances"],
        )
        distances = answer["distances"] or [[]]
        return [(id_, 1.0 - float(gap)) for id_, gap in zip(answer["ids"][0], distances[0], strict=True)]

    def drop(self, collection_id: str, *, keep: str | None = None) -> None:
        """Deletes the collection's indexes, all but the one of the model ``keep``."""
        client = self._opened()
        kept = _name(collection_id, keep) if keep is not None else None
        for name in self._names():
            if name.startswith(_prefix(collection_id)) and name != kept:
                client.delete_collection(name)

    def drop_strangers(self, collection_ids: Iterable[str]) -> None:
        """Deletes indexes of collections that no longer exist."""
        known = tuple(_prefix(id_) for id_ in collection_ids)
        client = self._opened()
        for name in self._names():
            if name.startswith("library-") and not name.startswith(known):
                client.delete_collection(name)

    def _names(self) -> list[str]:
        client = self._opened()
        names: list[str] = []
        while page := client.list_collections(limit=500, offset=len(names)):
            names += [entry.name for entry in page]
        return names

    def _existing(self, collection_id: str, identity: str) -> ChromaCollection | None:
        from chromadb.errors import NotFoundError

        try:
            return self._opened().get_collection(_name(collection_id, identity), embedding_function=None)
        except NotFoundError:
            return None

    def _opened(self) -> ClientAPI:
        with self._opening:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> ClientAPI:
        import chromadb
        from chromadb.config import Settings

        options: Mapping[str, Any] = {
            "anonymized_telemetry": False,
            "allow_reset": False,
        }
        if self._url is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(str(self._folder), settings=Settings(**options))
        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 8000)
        return chromadb.HttpClient(
            parts.hostname or "localhost",
            port,
            ssl=secure,
            settings=Settings(**options),
        )


def _prefix(collection_id: str) -> str:
    return f"library-{collection_id}-"


def _name(collection_id: str, identity: str) -> str:
    return _prefix(collection_id) + hashlib.sha256(identity.encode()).hexdigest()[:8]


def _parts(items: Sequence[object]) -> Iterator[slice]:
    for start in range(0, len(items), _BATCH):
        yield slice(start, start + _BATCH)
