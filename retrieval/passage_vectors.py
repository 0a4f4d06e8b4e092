"""What is stored of a passage for comparing it with questions: its own vector and one for each of its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.citations import sentence_spans
from retrieval.embedding import Embedder
from retrieval.shelves import pack_sentences, pack_vector

_SHORTEST_SENTENCE = 40  # characters


@dataclass(frozen=True)
class Embedded:
    """The stored form of a passage's vectors: its own, and one for each of its sentences (start, end)."""

    vector: bytes
    sentences: list[tuple[int, int]]
    sentence_vectors: bytes


def embed(embedder: Embedder, passages: Sequence[tuple[str, Sequence[str], str]]) -> list[Embedded]:
    """Embeds passages, each given as (title of its document, headings above it, text)."""
    spans = [sentence_parts(text) for _, _, text in passages]
    whole, parts = embedder.embed_parts(
        [embedded_header(title, headings) for title, headings, _ in passages],
        [text for _, _, text in passages],
        spans,
    )
    embedded = []
    for vector, own, rows in zip(whole, spans, parts, strict=True):
        real = np.asarray(rows.any(axis=1))
        embedded.append(
            Embedded(
                pack_vector(vector),
                [span for span, kept in zip(own, real.tolist(), strict=True) if kept],
                pack_sentences(rows[real]),
            )
        )
    return embedded


def embedded_header(title: str, heading_path: Sequence[str]) -> str:
    """What is embedded ahead of a passage's text: where it stands."""
    path = [title, *heading_path] if not heading_path or heading_path[0] != title else list(heading_path)
    return " > ".join(part for part in path if part)


def sentence_parts(text: str) -> list[tuple[int, int]]:
    """(start, end) of a passage's sentences; one too short to mean much goes with its neighbour."""
    parts: list[tuple[int, int]] = []
    for start, end in sentence_spans(text):
        if parts and min(end - start, parts[-1][1] - parts[-1][0]) < _SHORTEST_SENTENCE:
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    return parts
