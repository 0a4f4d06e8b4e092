"""Finding passages: vectors and keywords, fused, inside the scope and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from retrieval.background import Background, Vector
from retrieval.conversation import Exchange, blended_keywords, blended_vector, standalone_question
from retrieval.embedding import Embedder
from retrieval.index import VectorIndex
from retrieval.keywords import KeywordIndex
from retrieval.languages import detect_language
from retrieval.meaning import MeaningIndex
from retrieval.models import CollectionRow, DocumentRow, PassageRow
from retrieval.nouns import Hit, Passage, Scope, ScopeStatistics, SentenceMatch
from retrieval.places import Place, PlaceKind
from retrieval.shelves import FloatMatrix, Shelf, ShelfCache, VersionedCache

log = logging.getLogger(__name__)

RERANKED = 30  # passages that a reranker sees


class Reranker(Protocol):
    """A second, slower look at the best passages, such as a cross-encoder. Safe to call from several threads."""

    def score(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        """One number for each passage, the larger the better the passage answers the question."""
        ...


EXACT_LIMIT = 20_000  # vectors; up to here a scope is searched exactly, which takes a few milliseconds
_DEPTH = 100  # candidates of each list
# Chosen together over ten sets of the open pack (docs/decisions/0008-ranking.md); neighbours of these values do as
# well within noise.
_KEYWORD_WEIGHT = 0.45  # of the share of the most that the question's words could score
_SENTENCE_WEIGHT = 0.6  # of the best sentence's nearness; the rest is the whole passage's
_DOCUMENT_WEIGHT = 0.3  # added for the nearness of the document as a whole
# Cosine from which two passages in different languages may say the same, if each is the other's nearest: the
# median of translated paragraphs is 0.90, of the nearest others 0.80. Within a language only copies are folded.
_COUNTERPART = 0.88
_COPY = 0.995
_FOLD_DEPTH = 40
_VARIED_FROM = 4  # places; fewer are all for the best passages
_NEARLY_AS_GOOD = 0.8


@dataclass(frozen=True)
class Found:
    at: int  # position in the scope's shelves, one after the other
    score: float
    keyword: float


@dataclass(frozen=True)
class _Near:
    """Nearness in meaning: ``scores`` over the whole scope (0 where not a candidate), the rest by position."""

    scores: npt.NDArray[np.float32]
    cosine: dict[int, float]
    similarity: dict[int, float]
    sentences: dict[int, tuple[SentenceMatch, ...]]
    statistics: ScopeStatistics | None


@dataclass(frozen=True)
class ScopeView:
    """A scope as it stands now: its collections that exist, their shelves and the indexes over them."""

    shelves: list[Shelf]
    keywords: KeywordIndex
    meaning: MeaningIndex
    index_is_current: bool

    @property
    def ids(self) -> list[str]:
        return self.keywords.ids

    def language_of(self, question: str) -> str:
        """The question's language; one too short to tell is taken to be in the language of the content."""
        return detect_language(question, default=self.keywords.main_language)


class Searcher:
    """Holds the caches. Safe to call from several threads."""

    def __init__(
        self,
        embedder: Embedder,
        index: VectorIndex,
        *,
        background: Background,
        exact_limit: int = EXACT_LIMIT,
        reranker: Reranker | None = None,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._background = background
        self._exact_limit = exact_limit
        self._reranker = reranker
        self._shelves = ShelfCache()
        self._indexes: VersionedCache[tuple[KeywordIndex, MeaningIndex]] = VersionedCache()

    def view(self, session: Session, scope: Scope) -> ScopeView:
        """Only collections that are in the scope and belong to its organisation; others are as if they were not."""
        rows = session.execute(
            select(CollectionRow.id, CollectionRow.version, CollectionRow.indexed_version)
            .where(CollectionRow.organisation_id == scope.organisation_id)
            .where(CollectionRow.id.in_(sorted(scope.collection_ids)))
            .order_by(CollectionRow.id)
        ).all()
        identity = self._embedder.identity
        shelves = [
            self._shelves.shelf(session, row.id, row.version, identity, self._embedder.dimensions)
            for row in rows
        ]
        key = tuple((shelf.collection_id, shelf.version) for shelf in shelves)
        keywords, meaning = self._indexes.get(key, lambda: self._built(shelves))
        return ScopeView(
            shelves,
            keywords,
            meaning,
            all(row.version == row.indexed_version for row in rows),
        )

    def _built(self, shelves: Sequence[Shelf]) -> tuple[KeywordIndex, MeaningIndex]:
        complete = sum(len(shelf.ids) for shelf in shelves) <= self._exact_limit
        return KeywordIndex(shelves), MeaningIndex(shelves, self._background, complete=complete)

    def search(
        self,
        session: Session,
        question: str,
        scope: Scope,
        *,
        limit: int,
        earlier: Exchange | None = None,
    ) -> list[Hit]:
        """The best passages, best first; at most ``limit``. An empty scope or question finds nothing."""
        if not scope.collection_ids or not question.strip() or limit < 1:
            return []
        view = self.view(session, scope)
        if not view.ids:
            return []
        if earlier is not None and not earlier.question.strip():
            earlier = None
        language = view.language_of(standalone_question(question, earlier))
        keyword, ideal = _keyword_scores(view, question, earlier, language)
        asked, centred = self._asked(view, question, earlier, language)
        near = self._near(view, keyword, asked, centred)
        found = fused(keyword, ideal, near.scores)
        if self._reranker is not None:
            found = self._reranked(session, scope, view, question, found)
        found = _varied(self._folded(found, view, language), view, limit)
        passages = load_passages(session, scope, [view.ids[one.at] for one in found])
        following = load_following(session, scope, passages.values())
        hits = []
        for one in found:
            passage = passages.get(view.ids[one.at])
            # A passage replaced since the shelf was read is gone from the database: leave it out.
            if passage is not None:
                hits.append(
                    Hit(
                        passage,
                        one.score,
                        one.keyword,
                        near.cosine.get(one.at, 0.0),
                        passage.language,
                        near.similarity.get(one.at, 0.0),
                        near.sentences.get(one.at, ()),
                        near.statistics,
                        following.get(passage.id),
                    )
                )
        return hits

    def _asked(
        self, view: ScopeView, question: str, earlier: Exchange | None, language: str
    ) -> tuple[Vector, Vector]:
        """The question's vector as the model gives it, and centred with what it leans on."""
        if earlier is None:
            asked = self._embedder.embed_queries([question])[0]
            return asked, self._background.question(asked, language)
        alone, together = self._embedder.embed_queries([question, standalone_question(question, earlier)])
        answered = None
        if opening := earlier.answer_opening:
            answered = view.meaning.centred(self._embedder.embed_passages([opening]), [language])[0]
        return together, blended_vector(
            self._background.question(alone, language),
            self._background.question(together, language),
            answered,
        )

    def _near(
        self,
        view: ScopeView,
        keyword: npt.NDArray[np.float32],
        asked: Vector,
        question: Vector,
    ) -> _Near:
        """How near in meaning the candidates are: those nearest as a whole, and those with the question's words.

        Sentences are compared for candidates only: there are several times as many as passages.
        """
        size = len(view.ids)
        if size <= self._exact_limit or not view.index_is_current:
            whole = (
                view.meaning.near(question)
                if size <= self._exact_limit
                else view.meaning.rows(range(size)) @ question
            )
            documents = view.meaning.documents_near(question)
            nearest = np.argsort(-(whole + _DOCUMENT_WEIGHT * documents), kind="stable")[:_DEPTH]
            statistics = ScopeStatistics(size, float(whole.mean()), float(whole.std()), float(whole.max()))
        else:
            documents = np.zeros(size, np.float32)
            nearest = self._nearest(view, asked)
            statistics = None
        candidates = [int(at) for at in np.union1d(nearest, _top(keyword))]
        raw = view.meaning.raw(candidates)
        present = np.asarray(raw.any(axis=1))
        similarity = view.meaning.rows(candidates) @ question
        cosine = raw @ asked
        matches = _sentence_matches(view, candidates, question)
        scores = np.zeros(size, np.float32)
        for row, at in enumerate(candidates):
            if not present[row]:
                continue
            own = float(similarity[row])
            best = max((match.similarity for match in matches.get(at, ())), default=own)
            scores[at] = (
                1 + (1 - _SENTENCE_WEIGHT) * own + _SENTENCE_WEIGHT * best + _DOCUMENT_WEIGHT * documents[at]
            )
        return _Near(
            scores,
            {at: float(value) for at, value in zip(candidates, cosine, strict=True)},
            {at: float(value) for at, value in zip(candidates, similarity, strict=True)},
            matches,
            statistics,
        )

    def _nearest(self, view: ScopeView, asked: Vector) -> npt.NDArray[np.int64]:
        """Positions of the nearest by the vector index, of each collection: approximate."""
        position = {id_: at for at, id_ in enumerate(view.ids)}
        found = [
            position[id_]
            for shelf in view.shelves
            for id_, _ in self._index.nearest(shelf.collection_id, self._embedder.identity, asked, _DEPTH)
            if id_ in position
        ]
        return np.array(sorted(found), np.int64)

    def _reranked(
        self, session: Session, scope: Scope, view: ScopeView, question: str, found: list[Found]
    ) -> list[Found]:
        """The first ones in the order of the reranker; the fused order where it fails."""
        assert self._reranker is not None
        first = found[:RERANKED]
        passages = load_passages(session, scope, [view.ids[one.at] for one in first])
        first = [one for one in first if view.ids[one.at] in passages]
        try:
            marks = self._reranker.score(question, [passages[view.ids[one.at]].text for one in first])
        except Exception:
            log.warning("the reranker failed; passages stay in the order of the search", exc_info=True)
            return found
        order = sorted(range(len(first)), key=lambda row: -marks[row])
        # Scores stay descending, so that a score still says how good a place is.
        scores = sorted((one.score for one in first), reverse=True)
        best = [replace(first[row], score=score) for row, score in zip(order, scores, strict=True)]
        return [*best, *found[RERANKED:]]

    def _folded(self, found: list[Found], view: ScopeView, language: str) -> list[Found]:
        """Leaves out what says the same as a better hit; a counterpart in the question's language is the better."""
        depth = found[:_FOLD_DEPTH]
        spoken = [str(view.keywords.spoken[one.at]) for one in depth]
        vectors = view.meaning.raw([one.at for one in depth])
        twins = _twins(vectors @ vectors.T, spoken)
        kept: dict[int, Found] = {}
        for row, one in enumerate(depth):
            twin = next((other for other in kept if other in twins[row]), None)
            if twin is None:
                kept[row] = one
            elif spoken[row] == language != spoken[twin]:
                kept[twin] = replace(one, score=max(one.score, kept[twin].score))
        return [*kept.values(), *found[_FOLD_DEPTH:]]


def _varied(found: list[Found], view: ScopeView, limit: int) -> list[Found]:
    """The first ``limit``; where one document fills them all, its last place goes to the next best document, if that
    is nearly as good: a second source is worth more than an eighth passage of the first."""
    chosen = found[:limit]
    if limit < _VARIED_FROM or len(found) <= limit:
        return chosen
    document = view.meaning.document_of(chosen[0].at)
    if any(view.meaning.document_of(one.at) != document for one in chosen):
        return chosen
    other = next((one for one in found[limit:] if view.meaning.document_of(one.at) != document), None)
    if other is None or other.score < _NEARLY_AS_GOOD * chosen[-1].score:
        return chosen
    return [*chosen[:-1], other]


def _twins(alike: FloatMatrix, spoken: Sequence[str]) -> list[set[int]]:
    """For each passage those that say the same: copies in its language, mutual nearest in another."""
    count = len(spoken)
    twins: list[set[int]] = [set() for _ in range(count)]
    others = {name: [at for at in range(count) if spoken[at] == name] for name in set(spoken)}
    for name, members in others.items():
        for row in range(count):
            if spoken[row] == name:
                twins[row].update(at for at in members if at != row and alike[row, at] >= _COPY)
                continue
            nearest = max(members, key=lambda at: float(alike[row, at]))
            back = max(others[spoken[row]], key=lambda at: float(alike[nearest, at]))
            if back == row and alike[row, nearest] >= _COUNTERPART:
                twins[row].add(nearest)
                twins[nearest].add(row)
    return twins


def load_passages(session: Session, scope: Scope, ids: Sequence[str]) -> dict[str, Passage]:
    """Passages by id, those within the scope only: once in the query, once more on what came back."""
    if not ids or not scope.collection_ids:
        return {}
    return {one.id: one for one in _load(session, scope, PassageRow.id.in_(list(ids)))}


def load_following(session: Session, scope: Scope, passages: Iterable[Passage]) -> dict[str, Passage]:
    """For each passage's id the next one of its document, where the section goes on; within the scope only."""
    places = {(one.document_id, one.ordinal + 1): one for one in passages}
    if not places or not scope.collection_ids:
        return {}
    found = _load(session, scope, tuple_(PassageRow.document_id, PassageRow.ordinal).in_(list(places)))
    pairs = [(places[one.document_id, one.ordinal], one) for one in found]
    return {before.id: one for before, one in pairs if before.heading_path == one.heading_path}


def _load(session: Session, scope: Scope, which: ColumnElement[bool]) -> list[Passage]:
    rows = session.execute(
        select(PassageRow, DocumentRow.title, CollectionRow.organisation_id)
        .join(DocumentRow, DocumentRow.id == PassageRow.document_id)
        .join(CollectionRow, CollectionRow.id == PassageRow.collection_id)
        .where(which)
        .where(PassageRow.collection_id.in_(sorted(scope.collection_ids)))
        .where(CollectionRow.organisation_id == scope.organisation_id)
    ).all()
    return [
        passage_of(row, title)
        for row, title, organisation_id in rows
        if row.collection_id in scope.collection_ids and organisation_id == scope.organisation_id
    ]


def passage_of(row: PassageRow, document_title: str) -> Passage:
    kind: PlaceKind = row.place_kind  # type: ignore[assignment]
    return Passage(
        row.id,
        row.document_id,
        row.collection_id,
        document_title,
        row.ordinal,
        row.kind,
        tuple(row.heading_path),
        row.text,
        row.language,
        Place.from_stored(kind, row.place_value, row.place_member),
        row.start,
        row.end,
        tuple((offset, seconds) for offset, seconds in row.marks),
    )


def fused(keyword: npt.NDArray[np.float32], ideal: float, near: npt.NDArray[np.float32]) -> list[Found]:
    """Candidates by one number for words and meaning, best first.

    Both parts mean the same in every search: the share of the most that words could score, and centred cosines.
    Neither depends on what else is found, as stretching each list to 0..1 would; which also ranks a little better.
    ``near`` is 0 for a passage that is no candidate for its meaning.
    """
    words = keyword / ideal if ideal > 0 else np.zeros_like(keyword)
    total = (_KEYWORD_WEIGHT * words + near) / (_KEYWORD_WEIGHT + 1 + _DOCUMENT_WEIGHT)
    chosen = np.union1d(_top(keyword), np.flatnonzero(near))
    order = chosen[np.argsort(-total[chosen], kind="stable")]
    return [Found(int(at), max(0.0, float(total[at])), float(keyword[at])) for at in order]


def _keyword_scores(
    view: ScopeView, question: str, earlier: Exchange | None, language: str
) -> tuple[npt.NDArray[np.float32], float]:
    """BM25 of every passage, and the most that it could be."""
    texts = [question] if earlier is None else [question, earlier.question, earlier.answer_opening]
    scores = [view.keywords.scores(text, language) for text in texts]
    ideals = [view.keywords.ideal(text, language) for text in texts]
    if earlier is None:
        return scores[0], ideals[0]
    return (
        blended_keywords(scores[0], scores[1], scores[2]),
        blended_keywords(ideals[0], ideals[1], ideals[2]),
    )


def nearness(passage: float, best_sentence: float, document: float) -> float:
    """Centred cosines of a passage, its best sentence and its document with the question, as one number; never 0."""
    near = (1 - _SENTENCE_WEIGHT) * passage + _SENTENCE_WEIGHT * best_sentence + _DOCUMENT_WEIGHT * document
    return near or 1e-9


def _top(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Positions of the best keyword scores above zero, best first."""
    best = np.argsort(-scores, kind="stable")[:_DEPTH]
    return best[scores[best] > 0]


def _sentence_matches(
    view: ScopeView, candidates: Sequence[int], question: Vector
) -> dict[int, tuple[SentenceMatch, ...]]:
    """Each candidate's sentences held against the question; those without sentence vectors are left out."""
    owners, spans, rows = view.meaning.sentences(candidates)
    if not len(owners):
        return {}
    matches: dict[int, list[SentenceMatch]] = {}
    for at, (start, end), value in zip(
        owners.tolist(), spans.tolist(), (rows @ question).tolist(), strict=True
    ):
        matches.setdefault(at, []).append(SentenceMatch(start, end, value))
    return {at: tuple(found) for at, found in matches.items()}
