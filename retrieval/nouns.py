"""What retrieval hands out: plain values, detached from the database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from retrieval.places import Place

Verdict = Literal["covered", "partly", "not_covered"]


class CollectionNotFound(LookupError):
    """No collection of this name or id in the organisation; the message names those there are."""

    key = "collection-not-found"
    status = 404


class DocumentNotFound(LookupError):
    """No such document within the scope."""

    key = "document-not-found"
    status = 404


class PassageNotFound(LookupError):
    """No such passage within the scope: unknown, replaced, or somebody else's."""

    key = "passage-not-found"
    status = 404


@dataclass(frozen=True)
class Scope:
    """What may be searched. Nothing in a question or a filter can widen it; an empty one finds nothing."""

    organisation_id: str
    collection_ids: frozenset[str]


@dataclass(frozen=True)
class Collection:
    id: str
    organisation_id: str
    name: str
    version: int
    created_at: datetime


@dataclass(frozen=True)
class Document:
    """``status``: waiting, ready, failed, removing. ``searchable``: passages of it (perhaps of its last
    content) can be found now. ``report``: {"counts": {...}, "remarks": [...]} of the last reading."""

    id: str
    collection_id: str
    filename: str
    title: str
    media_type: str
    language: str
    status: str
    searchable: bool
    content_hash: str
    file_key: str
    error_key: str | None
    error_detail: str | None
    report: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Passage:
    """``start`` and ``end`` count characters of the document's parsed text; ``text`` is exactly that stretch.

    ``marks``: (offset in ``text``, seconds) of each cue of a transcript.
    ``kind``: paragraph, list, steps (a numbered procedure), row (of a table), code, quote.
    """

    id: str
    document_id: str
    collection_id: str
    document_title: str
    ordinal: int
    kind: str
    heading_path: tuple[str, ...]
    text: str
    language: str
    place: Place
    start: int
    end: int
    marks: tuple[tuple[int, float], ...] = ()

    def place_at(self, offset: int) -> Place:
        """The place of a character of the text: in a transcript the cue in which it is spoken."""
        spoken = [seconds for start, seconds in self.marks if start <= offset]
        return replace(self.place, value=spoken[-1]) if spoken else self.place


@dataclass(frozen=True)
class SentenceMatch:
    """``start`` and ``end`` count in the passage's text. ``similarity``: centred cosine with the question."""

    start: int
    end: int
    similarity: float


@dataclass(frozen=True)
class ScopeStatistics:
    """Centred cosines of all passages of the scope with the question: how far from the crowd the best ones are."""

    passages: int
    mean: float
    deviation: float
    best: float


@dataclass(frozen=True)
class Hit:
    """A found passage. ``score``: the fused rank score, 0 to 1, comparable within one search only.
    ``keyword_score``: BM25, 0 without a shared word. ``vector_score``: cosine, 0 where not among the nearest.
    ``similarity``: its cosine with what questions and passages have in common taken away; ``sentences``: the
    same for each sentence, where the model gives that; ``statistics``: of the scope that was searched.
    ``following``: the passage right after it in the same section, since a sentence may announce a list that is a
    passage of its own; None at the section's end.
    """

    passage: Passage
    score: float
    keyword_score: float
    vector_score: float
    language: str
    similarity: float = 0.0
    sentences: tuple[SentenceMatch, ...] = ()
    statistics: ScopeStatistics | None = None
    following: Passage | None = None


@dataclass(frozen=True)
class Sufficiency:
    """Whether the hits hold an answer. ``score``: 0 to 1, the larger the likelier. ``reasons``: message keys
    with their values, for logs and for the instructor's test bench; never shown as an answer.
    ``missing``: words of the question that no good hit explains.
    """

    verdict: Verdict
    score: float
    reasons: dict[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Starter:
    """A heading that makes a one-tap question, answered by the passage under it."""

    document_id: str
    document_title: str
    heading: str
    passage_id: str
    language: str
    is_question: bool
    is_procedure: bool
