"""A database of its own with the production retrieval over it, where the pack's content is put and asked for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from retrieval.chunking import chunk
from retrieval.conversation import Exchange
from retrieval.evaluation.pack import Corpus, PackPassage, Query
from retrieval.evaluation.vectors import CachedEmbedder
from retrieval.facade import Retrieval
from retrieval.ingest import raise_version
from retrieval.languages import detect_language
from retrieval.models import DocumentRow, PassageRow, RetrievalBase
from retrieval.nouns import Document, Hit, Scope, Sufficiency
from retrieval.parsing import UnreadableDocument, UnsupportedFormat, parse
from retrieval.passage_vectors import embed
from retrieval.places import HEADING_JOIN, Place

ORGANISATION = "evaluation"
HITS = 8  # passages that the coach judges and answers from
_PIECE = 400  # passages embedded between two steps of the progress bar
# From this length on a passage's language is told from its text, as in ingest; a shorter one has its document's.
_TELLING = 200


@dataclass(frozen=True)
class ShelvedCorpus:
    """A corpus that can be searched. ``corpus`` holds the passages that were shelved (our own where the pack's
    documents were cut anew), ``ids`` their pack ids by the ids they have in the database."""

    corpus: Corpus
    original: Corpus
    scope: Scope
    ids: dict[str, str]
    unplaced: int = 0

    def relevant(self, query: Query) -> frozenset[str]:
        """The shelved passages that answer the question: the pack's own gold, or whatever overlaps it.

        A whole-document gold is every passage of the documents of the gold passages.
        """
        original = self.original
        missing = [id_ for id_ in query.relevant if id_ not in original.by_id]
        if missing:
            raise query.record.wrong(
                f"“relevant_passage_ids” names {missing[0]}, which {original.name}/corpus.jsonl does not have."
            )
        gold = [original.by_id[id_] for id_ in query.relevant]
        if query.whole_document:
            documents = {passage.document_id for passage in gold}
            return frozenset(id_ for name in documents for id_ in self.corpus.by_document.get(name, ()))
        if self.corpus is original:
            return frozenset(query.relevant)
        spans: dict[str, list[tuple[int, int]]] = {}
        for span in query.spans:
            spans.setdefault(span.passage_id, []).append((span.start, span.end))
        found = set()
        for passage in gold:
            whole = [(0, len(passage.text))]
            for start, end in spans.get(passage.id, whole):
                left, right = passage.start + start, passage.start + max(end, start + 1)
                for id_ in self.corpus.by_document.get(passage.document_id, ()):
                    other = self.corpus.by_id[id_]
                    if other.start < right and left < other.end:
                        found.add(id_)
        return frozenset(found)


class Workbench:
    """``folder`` holds the database for as long as the evaluation runs. ``own_passages``: documents are cut by
    our own chunking where the pack has them, in place of the pack's passages."""

    def __init__(self, folder: Path, embedder: CachedEmbedder, *, own_passages: bool = False) -> None:
        self.embedder = embedder
        self._own_passages = own_passages
        self._engine = create_engine(f"sqlite:///{folder / 'evaluation.db'}")
        RetrievalBase.metadata.create_all(self._engine)
        self._sessions: sessionmaker[Session] = sessionmaker(self._engine)
        self.retrieval = Retrieval(self._sessions, folder, embedder=embedder)
        self._shelved: dict[str, ShelvedCorpus] = {}

    def close(self) -> None:
        self._engine.dispose()

    def remarks(self) -> list[str]:
        """What could not be done as it should be, in words."""
        return [
            f"{name}: {one.unplaced} of our passages could not be placed in the pack's documents"
            for name, one in self._shelved.items()
            if one.unplaced
        ]

    # The pack's passages

    def shelve(self, corpus: Corpus) -> ShelvedCorpus:
        """Puts a corpus into a collection of its own, once."""
        if corpus.name in self._shelved:
            return self._shelved[corpus.name]
        wanted, unplaced = corpus, 0
        if self._own_passages and corpus.documents and all(one.start >= 0 for one in corpus.passages):
            wanted, unplaced = self._cut_anew(corpus)
        collection = self.retrieval.collection(ORGANISATION, corpus.name or "passages", create=True)
        ids = self._store(collection.id, wanted)
        shelved = ShelvedCorpus(
            wanted, corpus, Scope(ORGANISATION, frozenset({collection.id})), ids, unplaced
        )
        self._shelved[corpus.name] = shelved
        return shelved

    def _store(self, collection_id: str, corpus: Corpus) -> dict[str, str]:
        identity = self.embedder.identity
        vectors = embed(self.embedder, [(one.title, _headings(one), one.text) for one in corpus.passages])
        ids: dict[str, str] = {}
        documents: dict[str, str] = {}
        ordinals: dict[str, int] = {}
        with self._sessions.begin() as session:
            for at, (passage, vector) in enumerate(zip(corpus.passages, vectors, strict=True)):
                document_id = documents.get(passage.document_id)
                if document_id is None:
                    # Ids that sort in the order of the file: where scores tie, the order decides.
                    document_id = _id(collection_id, at)
                    documents[passage.document_id] = document_id
                    session.add(_document_row(document_id, collection_id, passage, identity))
                    session.flush()
                row_id = _id(collection_id, at)
                ids[row_id] = passage.id
                ordinals[document_id] = ordinals.get(document_id, -1) + 1
                place = (
                    Place("heading", HEADING_JOIN.join(_headings(passage)))
                    if passage.section
                    else Place("document", "")
                )
                session.add(
                    PassageRow(
                        id=row_id,
                        document_id=document_id,
                        collection_id=collection_id,
                        ordinal=ordinals[document_id],
                        kind="paragraph",
                        heading_path=_headings(passage),
                        text=passage.text,
                        language=_language(passage),
                        place_kind=place.kind,
                        place_value=place.stored(),
                        start=max(0, passage.start),
                        end=max(0, passage.start) + len(passage.text),
                        vector=vector.vector,
                        sentences=vector.sentences,
                        sentence_vectors=vector.sentence_vectors,
                        embedder=identity,
                    )
                )
            raise_version(session, collection_id)
        return ids

    def _cut_anew(self, corpus: Corpus) -> tuple[Corpus, int]:
        """The corpus in our own passages, each with its range in the pack's document, and how many passages
        could not be placed in it (they count as irrelevant)."""
        passages, unplaced = [], 0
        for document in corpus.documents:
            name = f"{document.id}.md"
            try:
                parsed = parse(name, document.text.encode("utf-8", "replace"))
            except (UnreadableDocument, UnsupportedFormat):
                continue
            letters = _Letters(document.text)
            for at, one in enumerate(chunk(corpus.name, name, parsed, self.embedder.count_tokens)):
                found = letters.stretch(one.text)
                unplaced += found is None
                start, end = found or (-1, -1)
                passages.append(
                    PackPassage(
                        id=f"{document.id}#{at}",
                        document_id=document.id,
                        title=document.title,
                        section=HEADING_JOIN.join(one.heading_path),
                        language=document.language,
                        text=one.text,
                        start=start,
                        end=end,
                        course=document.course,
                    )
                )
        return Corpus(corpus.name, passages, corpus.documents), unplaced

    # Files

    def take_in(
        self, collection: str, files: Sequence[tuple[str, bytes]]
    ) -> tuple[Scope, dict[str, Document | str]]:
        """Uploads files into a collection and ingests them as the worker does.

        Returns the scope, and for each name the document, or in words why there is none.
        """
        made = self.retrieval.collection(ORGANISATION, collection, create=True)
        scope = Scope(ORGANISATION, frozenset({made.id}))
        outcome: dict[str, Document | str] = {}
        for name, data in files:
            try:
                with self._sessions.begin() as session:
                    outcome[name] = self.retrieval.add_document(session, made.id, name, data)
            except UnsupportedFormat as problem:
                outcome[name] = str(problem)
        for name, document in outcome.items():
            if isinstance(document, str):
                continue
            self.retrieval.ingest_next("evaluation")
            document = self.retrieval.document(scope, document.id)  # noqa: PLW2901 - as it stands now
            if document.status == "waiting":
                # Ingest would try again later; what it met is in its log.
                outcome[name] = "an error that nobody foresaw (WORKSIDE_LOG_LEVEL=debug shows it)"
                self._give_up(document.id)
            else:
                outcome[name] = (
                    document if document.searchable else document.error_detail or "could not be read"
                )
        return scope, outcome

    def _give_up(self, document_id: str) -> None:
        """So that the next file is the next one that waits."""
        with self._sessions.begin() as session:
            row = session.get_one(DocumentRow, document_id)
            row.status = "failed"

    # Asking

    def ask(
        self, question: str, scope: Scope, limit: int = HITS, earlier: Exchange | None = None
    ) -> list[Hit]:
        return self.retrieval.search(question, scope, limit=limit, earlier=earlier)

    def judge(self, question: str, hits: Sequence[Hit], earlier: Exchange | None = None) -> Sufficiency:
        """The gate's word on what the coach would be given."""
        return self.retrieval.judge(question, hits[:HITS], earlier=earlier)

    def ranked(
        self, question: str, shelved: ShelvedCorpus, limit: int = 10, earlier: Exchange | None = None
    ) -> list[str]:
        """Pack ids of the passages found, best first."""
        return [shelved.ids[hit.passage.id] for hit in self.ask(question, shelved.scope, limit, earlier)]


def _headings(passage: PackPassage) -> list[str]:
    return [part for part in passage.section.split(HEADING_JOIN) if part]


def _language(passage: PackPassage) -> str:
    if len(passage.text) > _TELLING:
        return detect_language(passage.text, default=passage.language)
    return passage.language


def _id(collection_id: str, at: int) -> str:
    return hashlib.sha256(collection_id.encode()).hexdigest()[:20] + f"{at:012d}"


def _document_row(id_: str, collection_id: str, passage: PackPassage, identity: str) -> DocumentRow:
    now = datetime.now(UTC)
    return DocumentRow(
        id=id_,
        collection_id=collection_id,
        filename=f"{passage.document_id[:400]} {id_}",
        title=passage.title,
        media_type="text/plain",
        language=passage.language,
        content_hash=id_,
        file_key="",
        ready_hash=id_,
        status="ready",
        embedder=identity,
        created_at=now,
        updated_at=now,
    )


class _Letters:
    """Finds read passages in the text they were read from, of which a reader keeps the letters but not the marks."""

    _WORDS = re.compile(r"\w")
    _ENDS = (40, 20, 10)

    def __init__(self, text: str) -> None:
        self._at = [matched.start() for matched in self._WORDS.finditer(text)]
        self._flat = "".join(text[at] for at in self._at)
        self._from = 0

    def stretch(self, piece: str) -> tuple[int, int] | None:
        """(start, end) of the next stretch with the piece's first and last letters; None where there is none."""
        flat = "".join(self._WORDS.findall(piece))
        if not flat:
            return None
        start = self._first(flat)
        if start is None:
            return None
        end = self._last(flat, start)
        self._from = start + 1
        return self._at[start], self._at[end - 1] + 1

    def _first(self, flat: str) -> int | None:
        for size in (len(flat), *self._ENDS):
            at = self._flat.find(flat[:size], self._from)
            if at >= 0:
                return at
        return None

    def _last(self, flat: str, start: int) -> int:
        expected = start + len(flat)
        for size in self._ENDS:
            tail = flat[-size:]
            at = self._flat.find(tail, max(start, expected - size - len(flat) // 5))
            if 0 <= at <= expected + len(flat):
                return at + len(tail)
        return min(expected, len(self._flat))
