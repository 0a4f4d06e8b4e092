"""Retrieval: knows documents, passages and scopes; nothing of courses, people or answers.

``Retrieval`` is the door. Everything that reads takes a ``Scope``.
"""

from __future__ import annotations

from retrieval.citations import Support, check_answer, check_citation, find_quote
from retrieval.conversation import Exchange, leans_on_earlier, standalone_question
from retrieval.disagreement import disagree
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
    SentenceMatch,
    Starter,
    Sufficiency,
    Verdict,
)
from retrieval.parsing import UnreadableDocument, UnsupportedFormat
from retrieval.places import Place
from retrieval.screening import looks_like_instruction, without_instructions
from retrieval.search import Reranker
from retrieval.translations import check_translation

__all__ = [
    "Collection",
    "CollectionNotFound",
    "Document",
    "DocumentNotFound",
    "Embedder",
    "Exchange",
    "HashingEmbedder",
    "Hit",
    "LangChainEmbedder",
    "PackagedE5",
    "Passage",
    "PassageNotFound",
    "Place",
    "Reranker",
    "Retrieval",
    "Scope",
    "SentenceMatch",
    "Starter",
    "Sufficiency",
    "Support",
    "UnreadableDocument",
    "UnsupportedFormat",
    "Verdict",
    "check_answer",
    "check_citation",
    "check_translation",
    "disagree",
    "find_quote",
    "leans_on_earlier",
    "looks_like_instruction",
    "standalone_question",
    "without_instructions",
]
