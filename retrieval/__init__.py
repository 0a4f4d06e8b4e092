"""Retrieval: knows documents, passages and scopes; nothing of courses, people or answers.

``Retrieval`` is the door. Everything that reads takes a ``Scope``.
"""

from __future__ import annotations

from retrieval.citations import Support, check_citation, find_quote
from retrieval.embedding import Embedder, HashingEmbedder, LangChainEmbedder, PackagedE5
from retrieval.facade import Retrieval
from retrieval.nouns import (
    Collection,
    CollectionNotFound,
    Document,
    DocumentNotFound,
    Hit,
    Passage,
    PassageNotFound,
    Scope,
    Starter,
    Sufficiency,
    Verdict,
)
from retrieval.parsing import UnreadableDocument, UnsupportedFormat
from retrieval.places import Place

__all__ = [
    "Collection",
    "CollectionNotFound",
    "Document",
    "DocumentNotFound",
    "Embedder",
    "HashingEmbedder",
    "Hit",
    "LangChainEmbedder",
    "PackagedE5",
    "Passage",
    "PassageNotFound",
    "Place",
    "Retrieval",
    "Scope",
    "Starter",
    "Sufficiency",
    "Support",
    "UnreadableDocument",
    "UnsupportedFormat",
    "Verdict",
    "check_citation",
    "find_quote",
]
