"""Finding passages: vectors and keywords, fused, inside the scope and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from retrieval.embedding import Embedder
from retrieval.index import VectorIndex
from retrieval.keywords import KeywordIndex, KeywordIndexes
from retrieval.languages import UNKNOWN, detect_language
from retrieval.models import CollectionRow, DocumentRow, PassageRow
from retrieval.nouns import Hit, Passage, Scope
from retrieval.places import Place, PlaceKind
from retrieval.shelves import FloatMatrix, Shelf, ShelfCache

EXACT_LIMIT = 20_000  # vectors; up to here a scope is searched exactly, which takes a few milliseconds
_DEPTH = 100  # of each list, for the fusion
_KEYWORD_WEIGHT = 0.4
# Cosine from which two passages in different languages may say the same, if each is the other's nearest: the
# median of translated paragraphs is 0.90, of the nearest others 0.80. Within a language only copies are folded.
_COUNTERPART = 0.88
_COPY = 0.995
_FOLD_DEPTH = 40
# The model likes passages in the question's own language: over 200 Spanish questions the right paragraph in
# Spanish was 0.067 nearer than the same in English, any paragraph 0.050. Making up for all of that brought
# translations ahead of the original for English questions; 0.03 did not, and still finds what is there in one
# language only.
_FOREIGN_BONUS = 0.03


@dataclass(frozen=True)
class _Found:
    at: int  # position in the scope's shelves, one after the other
    score: float
    keyword: float
    vector: float


@dataclass(frozen=True)
class ScopeView:
    """A scope as it stands now: its collections that exist, their shelves and the keyword index over them."""

    shelves: list[Shelf]
    keywords: KeywordIndex
    index_is_current: bool

    @property
    def ids(self) -> list[str]:
        return self.keywords.ids

    def language_of(self, question: str) -> str:
        """The question's language; one too short to tell is taken to be in the language of the content."""
        return detect_language(question, default=self.keywords.main_language)


class Searcher:
    """Holds the caches. Safe to call from several threads."""

    def __init__(self, embedder: Embedder, index: VectorIndex, *, exact_limit: int = EXACT_LIMIT) -> None:
        self._embedder = embedder
        self._index = index
        self._exact_limit = exact_limit
        self._shelves = ShelfCache()
        self._keywords = KeywordIndexes()

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
        return ScopeView(
            shelves,
            self._keywords.index(shelves),
            all(row.version == row.indexed_version for row in rows),
        )

    def search(self, session: Session, question: str, scope: Scope, *, limit: int) -> list[Hit]:
        """The best passages, best first; at most ``limit``. An empty scope or question finds nothing."""
        if not scope.collection_ids or not question.strip() or limit < 1:
            return []
        view = self.view(session, scope)
        if not view.ids:
            return []
        language = view.language_of(question)
        keyword = view.keywords.scores(question, language)
        vector = self._vector_scores(view, question)
        foreign = ~np.isin(view.keywords.spoken, (language, UNKNOWN))
        leveled = np.where(foreign & (vector > 0), vector + _FOREIGN_BONUS, vector).astype(np.float32)
        found = [replace(one, vector=float(vector[one.at])) for one in _fused(keyword, leveled)]
        found = self._folded(found, view, language)[:limit]
        passages = load_passages(session, scope, [view.ids[one.at] for one in found])
        hits = []
        for one in found:
            passage = passages.get(view.ids[one.at])
            # A passage replaced since the shelf was read is gone from the database: leave it out.
            if passage is not None:
                hits.append(Hit(passage, one.score, one.keyword, one.vector, passage.language))
        return hits

    def _vector_scores(self, view: ScopeView, question: str) -> npt.NDArray[np.float32]:
        asked = self._embedder.embed_queries([question])[0]
        if len(view.ids) <= self._exact_limit or not view.index_is_current:
            return np.concatenate([shelf.vectors @ asked for shelf in view.shelves])
        scores = np.zeros(len(view.ids), np.float32)
        position = {id_: at for at, id_ in enumerate(view.ids)}
        for shelf in view.shelves:
            for id_, cosine in self._index.nearest(
                shelf.collection_id, self._embedder.identity, asked, _DEPTH
            ):
                if id_ in position:
                    scores[position[id_]] = cosine
        return scores

    def _folded(self, found: list[_Found], view: ScopeView, language: str) -> list[_Found]:
        """Leaves out what says the same as a better hit; a counterpart in the question's language is the better."""
        depth = found[:_FOLD_DEPTH]
        spoken = [str(view.keywords.spoken[one.at]) for one in depth]
        vectors = _rows_at(view.shelves, [one.at for one in depth])
        twins = _twins(vectors @ vectors.T, spoken)
        kept: dict[int, _Found] = {}
        for row, one in enumerate(depth):
            twin = next((other for other in kept if other in twins[row]), None)
            if twin is None:
                kept[row] = one
            elif spoken[row] == language != spoken[twin]:
                kept[twin] = replace(one, score=max(one.score, kept[twin].score))
        return [*kept.values(), *found[_FOLD_DEPTH:]]


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
    rows = session.execute(
        select(PassageRow, DocumentRow.title, CollectionRow.organisation_id)
        .join(DocumentRow, DocumentRow.id == PassageRow.document_id)
        .join(CollectionRow, CollectionRow.id == PassageRow.collection_id)
        .where(PassageRow.id.in_(list(ids)))
        .where(PassageRow.collection_id.in_(sorted(scope.collection_ids)))
        .where(CollectionRow.organisation_id == scope.organisation_id)
    ).all()
    passages = {}
    for row, title, organisation_id in rows:
        if row.collection_id in scope.collection_ids and organisation_id == scope.organisation_id:
            passages[row.id] = passage_of(row, title)
    return passages


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


def _fused(keyword: npt.NDArray[np.float32], vector: npt.NDArray[np.float32]) -> list[_Found]:
    """Min-max over the top of each list, then a weighted sum: it beat reciprocal ranks in each language.

    A keyword list that ends before its hundredth place reaches down to zero: its last member shares a word,
    which is worth more than nothing.
    """
    total = np.zeros(len(keyword), np.float64)
    seen = np.zeros(len(keyword), bool)
    for scores, weight in ((keyword, _KEYWORD_WEIGHT), (vector, 1 - _KEYWORD_WEIGHT)):
        top = np.argsort(-scores, kind="stable")[:_DEPTH]
        top = top[scores[top] > 0]
        if not len(top):
            continue
        high, low = float(scores[top[0]]), float(scores[top[-1]])
        if scores is keyword and len(top) < _DEPTH:
            low = 0.0
        spread = high - low
        share = (scores[top] - low) / spread if spread > 0 else np.ones(len(top))
        total[top] += weight * share
        seen[top] = True
    chosen = np.flatnonzero(seen)
    order = chosen[np.argsort(-total[chosen], kind="stable")]
    return [_Found(int(at), float(total[at]), float(keyword[at]), float(vector[at])) for at in order]


def _rows_at(shelves: Sequence[Shelf], positions: Sequence[int]) -> FloatMatrix:
    starts = np.cumsum([0, *(len(shelf.ids) for shelf in shelves)])
    rows = []
    for at in positions:
        shelf = int(np.searchsorted(starts, at, side="right")) - 1
        rows.append(shelves[shelf].vectors[at - int(starts[shelf])])
    return np.stack(rows) if rows else np.zeros((0, 1), np.float32)
