"""What any question and any passage have in common, in the eyes of a model.

Vectors of one model lie in a narrow cone: two texts that have nothing to do with each other still have a cosine of 0.8,
and some passages, short and general ones, are near every question. Taking away most of what all questions, and
all passages, have in common leaves what this one is about (measured in docs/decisions/0008-ranking.md).

The mean of questions comes from everyday questions that we wrote, by language; the mean of passages from the scope
itself, steadied by everyday passages where the scope is small.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.embedding import Embedder

Vector = npt.NDArray[np.float32]

# How much of the mean is taken away: from 0.7 to 1.0 made no difference beyond noise.
SHARE = 0.8
# Mean cosine of everyday passages from which a model counts as one that crowds its texts together (e5 has 0.8);
# one that spreads them has nothing in common to take away.
CROWDED = 0.5
# So many everyday passages a scope's own mean is steadied with.
STEADYING = 20

log = logging.getLogger(__name__)


class Background:
    """Means by language for one embedder, computed on first use and kept in ``cache`` (a folder), if given."""

    def __init__(self, embedder: Embedder, cache: Path | None = None) -> None:
        self._embedder = embedder
        self._cache = cache
        self._loading = threading.Lock()
        self._means: tuple[dict[str, Vector], dict[str, Vector]] | None = None

    @property
    def share(self) -> float:
        """How much of the means is taken away."""
        _, passages = self._loaded()
        return SHARE if float(passages[""] @ passages[""]) >= CROWDED else 0.0

    def question(self, vector: Vector, language: str) -> Vector:
        """A question's vector, centred and of length one."""
        questions, _ = self._loaded()
        return _unit(vector - self.share * questions.get(language, questions[""]))

    def passage_mean(self, language: str) -> Vector:
        """The mean of everyday passages in the language; over all languages where we have none in it."""
        _, passages = self._loaded()
        return passages.get(language, passages[""])

    def _loaded(self) -> tuple[dict[str, Vector], dict[str, Vector]]:
        with self._loading:
            if self._means is None:
                self._means = self._read() or self._compute()
            return self._means

    def _path(self, source: bytes) -> Path | None:
        if self._cache is None:
            return None
        digest = hashlib.sha256(self._embedder.identity.encode() + b"\0" + source).hexdigest()[:16]
        return self._cache / f"background-{digest}.npz"

    def _read(self) -> tuple[dict[str, Vector], dict[str, Vector]] | None:
        path = self._path(_source())
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path) as kept:
                return (
                    {name[2:]: kept[name] for name in kept.files if name.startswith("q_")},
                    {name[2:]: kept[name] for name in kept.files if name.startswith("p_")},
                )
        except (OSError, ValueError, KeyError):
            log.warning("the background means in %s are damaged; computing them anew", path.name)
            return None

    def _compute(self) -> tuple[dict[str, Vector], dict[str, Vector]]:
        source = _source()
        texts = json.loads(source)
        means = (
            _means({name: self._embedder.embed_queries(some) for name, some in texts["questions"].items()}),
            _means({name: self._embedder.embed_passages(some) for name, some in texts["passages"].items()}),
        )
        if (path := self._path(source)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.stem}.{os.getpid()}.npz")
            rows: dict[str, Any] = {f"q_{name}": row for name, row in means[0].items()}
            rows |= {f"p_{name}": row for name, row in means[1].items()}
            np.savez(partial, **rows)
            partial.replace(path)
        return means


def _source() -> bytes:
    return files("retrieval").joinpath("background.json").read_bytes()


def _means(rows: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, Vector]:
    by_language = {name: some.mean(axis=0).astype(np.float32) for name, some in rows.items()}
    return {**by_language, "": np.mean(list(by_language.values()), axis=0).astype(np.float32)}


def _unit(vector: Vector) -> Vector:
    unit: Vector = (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
    return unit
