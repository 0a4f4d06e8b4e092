"""Vectors kept on disk between evaluations, so that a second run computes none.

One SQLite file: its transactions survive a kill, and several evaluations may share it. A vector is found by the
embedder's identity, whether the text is a question or a passage, and the hash of the text.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retrieval.embedding import Embedder, Span

FloatMatrix = npt.NDArray[np.float32]
Counted = Callable[[int, int], None]
"""Called with (vectors computed, vectors to compute)."""

_FILE = "vectors.sqlite3"
_BATCH = 32
_AT_ONCE = 500  # keys in one query; SQLite allows 999 everywhere


class CachedEmbedder:
    """An embedder that computes each text once. Safe to call from several threads; close it in the end."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._embedder = embedder
        # Asked for with every text, and not every embedder has it at hand.
        self._identity = embedder.identity
        self._turn = threading.Lock()
        self._file = folder / _FILE
        self._connection = self._opened()
        self.computed = 0
        self.on_progress: Counted | None = None

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)

    def __getattr__(self, name: str) -> Any:
        # Whatever else an embedder can do goes to it unkept.
        return getattr(self._embedder, name)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return self._vectors("query", texts)

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        return self._vectors("passage", texts)

    def embed_parts(
        self, headers: Sequence[str], texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[FloatMatrix, list[FloatMatrix]]:
        """A passage and its parts are kept together, as rows one after the other."""
        wanted = list(zip(headers, texts, spans, strict=True))
        keys = [self._key("parts", f"{header}\x1f{text}\x1f{list(own)}") for header, text, own in wanted]
        with self._turn:
            known = self._read(keys)
            lacking = {key: one for key, one in zip(keys, wanted, strict=True) if key not in known}
            todo = sorted(lacking, key=lambda key: (len(lacking[key][1]), key))
            for start in range(0, len(todo), _BATCH):
                part = todo[start : start + _BATCH]
                some = [lacking[key] for key in part]
                whole, parts = self._embedder.embed_parts(
                    [one[0] for one in some], [one[1] for one in some], [one[2] for one in some]
                )
                rows = [
                    np.concatenate([row[None, :], own]).reshape(-1)
                    for row, own in zip(whole, parts, strict=True)
                ]
                self._write(part, rows)
                known.update(zip(part, rows, strict=True))
                self.computed += len(part)
                if self.on_progress is not None and len(todo) > _BATCH:
                    self.on_progress(start + len(part), len(todo))
        if not keys:
            return np.zeros((0, self.dimensions), np.float32), []
        together = [known[key].reshape(-1, self.dimensions).astype(np.float32) for key in keys]
        return np.stack([rows[0] for rows in together]), [rows[1:] for rows in together]

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.DatabaseError as problem:
            if isinstance(problem, sqlite3.OperationalError):
                raise
            # Not a database, or a damaged one: it only held what can be computed again.
            self._file.replace(self._file.with_suffix(".damaged"))
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=60, check_same_thread=False)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
        )
        connection.commit()
        return connection

    def _vectors(self, kind: Literal["query", "passage"], texts: Sequence[str]) -> FloatMatrix:
        keys = [self._key(kind, text) for text in texts]
        with self._turn:
            known = self._read(keys)
            lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            # Texts of like length run together: padding costs as much as text does.
            todo = sorted(lacking, key=lambda key: (len(lacking[key]), key))
            for start in range(0, len(todo), _BATCH):
                part = todo[start : start + _BATCH]
                wanted = [lacking[key] for key in part]
                embed = self._embedder.embed_queries if kind == "query" else self._embedder.embed_passages
                rows = embed(wanted)
                self._write(part, rows)
                known.update(zip(part, rows, strict=True))
                self.computed += len(part)
                if self.on_progress is not None and len(todo) > _BATCH:
                    self.on_progress(start + len(part), len(todo))
        if not keys:
            return np.zeros((0, self.dimensions), np.float32)
        return np.stack([known[key] for key in keys]).astype(np.float32)

    def _key(self, kind: str, text: str) -> bytes:
        whole = f"{self.identity}\x1f{kind}\x1f{text}".encode("utf-8", "replace")
        return hashlib.sha256(whole).digest()

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, npt.NDArray[np.float32]]:
        wanted = list(dict.fromkeys(keys))
        found: dict[bytes, npt.NDArray[np.float32]] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            for key, stored in self._connection.execute(
                f"SELECT key, vector FROM vector WHERE key IN ({marks})",  # noqa: S608 - question marks only
                part,
            ):
                found[bytes(key)] = np.frombuffer(stored, "<f4")
        return found

    def _write(self, keys: Sequence[bytes], rows: FloatMatrix | Sequence[npt.NDArray[np.float32]]) -> None:
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO vector VALUES (?, ?)",
                [(key, row.astype("<f4").tobytes()) for key, row in zip(keys, rows, strict=True)],
            )
