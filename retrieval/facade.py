"""The one object through which the application uses retrieval."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from retrieval import sufficiency
from retrieval.background import Background
from retrieval.conversation import Exchange, standalone_question
from retrieval.embedding import Embedder, PackagedE5
from retrieval.files import FileStore, LocalFiles
from retrieval.index import VectorIndex
from retrieval.ingest import Ingester, Progress, raise_version
from retrieval.models import CollectionRow, DocumentRow, PassageRow
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
)
from retrieval.parsing import media_type_of
from retrieval.search import EXACT_LIMIT, Reranker, Searcher, load_passages, passage_of
from retrieval.sufficiency import Opinion

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NAME = 500


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Retrieval:
    """``data_dir`` holds the original files, the vector index and the model's graph.

    ``sessions`` open transactions that read, ``writing`` those that write (the same, unless the database needs
    them told apart). ``embedder`` defaults to the packaged multilingual-e5-small, loaded on first use. ``chroma_url`` names a
    chroma server to use in place of the embedded one. Safe to share between threads.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        data_dir: Path,
        *,
        embedder: Embedder | None = None,
        chroma_url: str | None = None,
        files: FileStore | None = None,
        exact_limit: int | None = None,
        reranker: Reranker | None = None,
        now: Callable[[], datetime] = _utc_now,
        writing: sessionmaker[Session] | None = None,
    ) -> None:
        self._sessions = sessions
        writing = writing or sessions
        self._writing = writing
        self._now = now
        self._files: FileStore = files or LocalFiles(data_dir / "files")
        self._embedder: Embedder = embedder or PackagedE5(data_dir / "models")
        self._index = VectorIndex(data_dir / "chroma", url=chroma_url)
        self._searcher = Searcher(
            self._embedder,
            self._index,
            background=Background(self._embedder, data_dir / "models"),
            exact_limit=EXACT_LIMIT if exact_limit is None else exact_limit,
            reranker=reranker,
        )
        self._ingester = Ingester(sessions, self._files, self._embedder, self._index, now)

    @property
    def embedder(self) -> Embedder:
        """The model that texts are compared with."""
        return self._embedder

    # Collections and documents

    def collection(self, organisation_id: str, name: str, *, create: bool = False) -> Collection:
        """The organisation's collection of this name. Raises CollectionNotFound, which names the known ones."""
        name = " ".join(unicodedata.normalize("NFC", name).split())[:255]
        wanted = select(CollectionRow).where(
            CollectionRow.organisation_id == organisation_id, CollectionRow.name == name
        )
        with (self._writing if create else self._sessions)() as session:
            row = session.scalars(wanted).first()
            if row is None and create and name:
                row = CollectionRow(organisation_id=organisation_id, name=name, created_at=self._now())
                session.add(row)
                try:
                    session.commit()
                except IntegrityError:
                    # Somebody else made it in the same moment: theirs is as good.
                    session.rollback()
                    row = session.scalars(wanted).one()
            if row is not None:
                return _collection_of(row)
        known = ", ".join(f"“{one.name}”" for one in self.collections(organisation_id)) or "none yet"
        raise CollectionNotFound(f"There is no collection “{name}”. Known collections: {known}.")

    def collections(self, organisation_id: str) -> list[Collection]:
        """The organisation's collections by name."""
        with self._sessions() as session:
            rows = session.scalars(
                select(CollectionRow)
                .where(CollectionRow.organisation_id == organisation_id)
                .order_by(CollectionRow.name)
            )
            return [_collection_of(row) for row in rows]

    def every_collection(self) -> list[Collection]:
        """The collections of all organisations, for work in the background; never for a visitor's request."""
        with self._sessions() as session:
            rows = session.scalars(select(CollectionRow).order_by(CollectionRow.id))
            return [_collection_of(row) for row in rows]

    def remove_collection(self, session: Session, scope: Scope, collection_id: str) -> None:
        """Marks every document of an own collection for removal, in the caller's transaction; the empty
        collection stays. Raises CollectionNotFound."""
        _own_collection(session, scope, collection_id)
        for document_id in session.scalars(
            select(DocumentRow.id).where(DocumentRow.collection_id == collection_id)
        ).all():
            self.remove_document(session, scope, document_id)

    def add_document(self, session: Session, collection_id: str, filename: str, data: bytes) -> Document:
        """Keeps the bytes and records the document as waiting, in the caller's transaction.

        The same content under the same name is the same document, left as it is (one that had failed waits
        again). Other content replaces the old when it is ready; until then the old is what is found.
        Raises UnsupportedFormat before anything is kept, CollectionNotFound.
        """
        filename = _clean_name(filename)
        media_type = media_type_of(filename)
        if session.get(CollectionRow, collection_id) is None:
            raise CollectionNotFound("There is no such collection.")
        digest = hashlib.sha256(data).hexdigest()
        key = self._files.put(data)
        now = self._now()
        row = session.scalars(
            select(DocumentRow).where(
                DocumentRow.collection_id == collection_id,
                DocumentRow.filename == filename,
            )
        ).first()
        if row is None:
            row = DocumentRow(
                collection_id=collection_id,
                filename=filename,
                media_type=media_type,
                content_hash=digest,
                file_key=key,
                status="waiting",
                created_at=now,
                updated_at=now,
            )
            session.add(row)
        elif row.content_hash != digest or row.status in ("failed", "removing"):
            row.content_hash, row.file_key, row.media_type = digest, key, media_type
            row.error_key = row.error_detail = row.lease_owner = row.lease_until = None
            row.attempts = 0
            row.updated_at = now
            # Back to the content whose passages are there already: nothing to do.
            row.status = "ready" if row.ready_hash == digest else "waiting"
        session.flush()
        return _document_of(row)

    def remove_document(self, session: Session, scope: Scope, document_id: str) -> None:
        """Takes a document out of every search, in the caller's transaction. Raises DocumentNotFound.

        Its text is deleted at once; its vectors, its file (unless another document has the same bytes) and its
        row follow when ``ingest_next`` comes to it, kill or no kill.
        """
        row = _own_document(session, scope, document_id)
        session.execute(delete(PassageRow).where(PassageRow.document_id == row.id))
        session.execute(
            update(DocumentRow)
            .where(DocumentRow.id == row.id)
            .values(
                status="removing",
                title="",
                report={},
                ready_hash=None,
                error_detail=None,
                lease_owner=None,
                lease_until=None,
                updated_at=self._now(),
            )
        )
        raise_version(session, row.collection_id)

    def retry_document(self, session: Session, scope: Scope, document_id: str) -> None:
        """A failed document waits again, in the caller's transaction. Raises DocumentNotFound."""
        row = _own_document(session, scope, document_id)
        if row.status == "failed":
            row.status, row.attempts, row.updated_at = "waiting", 0, self._now()
            row.error_key = row.error_detail = row.lease_owner = row.lease_until = None

    def documents(self, scope: Scope) -> list[Document]:
        """Documents of the scope by collection and file name, those being removed left out."""
        if not scope.collection_ids:
            return []
        with self._sessions() as session:
            rows = session.scalars(
                select(DocumentRow)
                .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
                .where(CollectionRow.organisation_id == scope.organisation_id)
                .where(DocumentRow.collection_id.in_(sorted(scope.collection_ids)))
                .where(DocumentRow.status != "removing")
                .order_by(DocumentRow.collection_id, DocumentRow.filename)
            )
            return [_document_of(row) for row in rows]

    def document(self, scope: Scope, document_id: str) -> Document:
        """Raises DocumentNotFound outside the scope."""
        with self._sessions() as session:
            return _document_of(_own_document(session, scope, document_id))

    def original(self, scope: Scope, document_id: str) -> bytes:
        """The bytes as they were uploaded. Raises DocumentNotFound, FileMissing."""
        return self._files.read(self.document(scope, document_id).file_key)

    # Work in the background

    def ingest_next(self, owner: str, progress: Progress | None = None) -> bool:
        """One piece of waiting work: a document, a removal, an index. False when there is none.

        ``owner`` names this worker, unlike any other alive. Never raises for a bad document: its row says why.
        """
        return self._ingester.work_once(owner, progress)

    def free_leases(self, session: Session, is_nobodys: Callable[[str], bool]) -> int:
        """Documents held by workers that are gone can be taken at once, in the caller's transaction; returns how many.

        ``is_nobodys`` says of the name of an owner whether nobody goes by it any more.
        """
        held = session.scalars(
            select(DocumentRow.lease_owner).where(DocumentRow.lease_owner.is_not(None)).distinct()
        ).all()
        gone = [owner for owner in held if owner is not None and is_nobodys(owner)]
        freed = session.scalars(select(DocumentRow.id).where(DocumentRow.lease_owner.in_(gone))).all()
        session.execute(
            update(DocumentRow)
            .where(DocumentRow.lease_owner.in_(gone))
            .values(lease_owner=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )
        return len(freed)

    def reindex(self, progress: Progress | None = None) -> None:
        """Everything that can be derived from the database, derived anew; see Ingester.reindex."""
        self._ingester.reindex(progress)

    def counts(self) -> dict[str, int]:
        """For doctor: documents, waiting, failed, removing; passages, and of them ``embedded`` by the current
        model; ``vectors`` in the index, which equals ``embedded`` when no collection is ``behind``."""
        identity = self._embedder.identity
        with self._sessions() as session:
            by_status: dict[str, int] = {}
            for status, count in session.execute(
                select(DocumentRow.status, func.count()).group_by(DocumentRow.status)
            ):
                by_status[status] = count
            passages = session.scalar(select(func.count()).select_from(PassageRow)) or 0
            embedded = (
                session.scalar(
                    select(func.count()).select_from(PassageRow).where(PassageRow.embedder == identity)
                )
                or 0
            )
            collections = session.execute(
                select(
                    CollectionRow.id,
                    CollectionRow.version,
                    CollectionRow.indexed_version,
                )
            ).all()
        return {
            "collections": len(collections),
            "documents": sum(by_status.values()) - by_status.get("removing", 0),
            "waiting": by_status.get("waiting", 0),
            "failed": by_status.get("failed", 0),
            "removing": by_status.get("removing", 0),
            "passages": passages,
            "embedded": embedded,
            "vectors": sum(self._index.count(row.id, identity) for row in collections),
            "behind": sum(row.indexed_version < row.version for row in collections),
        }

    # Finding and reading

    def search(
        self, question: str, scope: Scope, *, limit: int = 8, earlier: Exchange | None = None
    ) -> list[Hit]:
        """The best passages of the scope for a question in any language, best first.

        ``earlier``: what was asked and answered just before, which the question may lean on.
        """
        with self._sessions() as session:
            return self._searcher.search(session, question, scope, limit=limit, earlier=earlier)

    def judge(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        earlier: Exchange | None = None,
        opinion: Opinion | None = None,
    ) -> Sufficiency:
        """Whether the hits of a search hold an answer to the question. ``opinion``: a model's own judgement,
        weighed in."""
        question = standalone_question(question, earlier)
        if not hits:
            return Sufficiency("not_covered", 0.0, {"hits": 0.0})
        with self._sessions() as session:
            collection_ids = frozenset(hit.passage.collection_id for hit in hits)
            organisation_id = session.scalar(
                select(CollectionRow.organisation_id).where(CollectionRow.id == hits[0].passage.collection_id)
            )
            view = self._searcher.view(session, Scope(organisation_id or "", collection_ids))
        return sufficiency.judge(
            question,
            hits,
            view.keywords,
            view.language_of(question),
            self._embedder.identity,
            opinion=opinion,
        )

    def unsaid_words(self, question: str, words: Sequence[str], scope: Scope) -> tuple[str, ...]:
        """Those of the words (out of the question) that occur nowhere in the scope, in any form.

        None where the content is in other languages than the question: that a word is not in it says nothing there.
        """
        if not words:
            return ()
        with self._sessions() as session:
            view = self._searcher.view(session, scope)
        language = view.language_of(question)
        if language not in view.keywords.languages:
            return ()
        terms = view.keywords.question_terms(" ".join(words), language)
        return tuple(
            word
            for word in words
            if word in terms and not any(view.keywords.occurs(stem) for stem in terms[word])
        )

    def passage(self, scope: Scope, passage_id: str) -> Passage:
        """Raises PassageNotFound outside the scope."""
        with self._sessions() as session:
            found = load_passages(session, scope, [passage_id])
        if passage_id not in found:
            raise PassageNotFound("There is no such passage here.")
        return found[passage_id]

    def passages_of(self, scope: Scope, document_id: str) -> list[Passage]:
        """A document's passages in reading order. Raises DocumentNotFound outside the scope."""
        with self._sessions() as session:
            document = _own_document(session, scope, document_id)
            rows = session.scalars(
                select(PassageRow).where(PassageRow.document_id == document_id).order_by(PassageRow.ordinal)
            )
            return [passage_of(row, document.title) for row in rows]

    def headings(self, scope: Scope, limit: int = 12) -> list[Starter]:
        """Headings that make good one-tap questions, each with the passage that answers it.

        Questions first, then procedures, then others; taken from each document in turn.
        """
        if not scope.collection_ids or limit < 1:
            return []
        with self._sessions() as session:
            rows = session.execute(
                select(PassageRow, DocumentRow.title)
                .join(DocumentRow, DocumentRow.id == PassageRow.document_id)
                .join(CollectionRow, CollectionRow.id == PassageRow.collection_id)
                .where(CollectionRow.organisation_id == scope.organisation_id)
                .where(PassageRow.collection_id.in_(sorted(scope.collection_ids)))
                .order_by(DocumentRow.filename, PassageRow.ordinal)
                .limit(5_000)
            ).all()
            passages = [passage_of(row, title) for row, title in rows]
        return _starters(passages)[:limit]


_LEAST_TEXT = 60  # characters: a heading over less than that promises more than it holds


def _starters(passages: Sequence[Passage]) -> list[Starter]:
    sections: dict[tuple[str, tuple[str, ...]], list[Passage]] = {}
    for passage in passages:
        if passage.heading_path:
            sections.setdefault((passage.document_id, passage.heading_path), []).append(passage)
    ranked: list[tuple[int, int, int, Starter]] = []
    seen: set[str] = set()
    turns: dict[tuple[str, int], int] = {}
    for (document_id, path), parts in sections.items():
        heading = path[-1]
        folded = heading.casefold()
        if (
            folded in seen
            or not 8 <= len(heading) <= 90
            or sum(len(part.text) for part in parts) < _LEAST_TEXT
        ):
            continue
        seen.add(folded)
        is_question = heading.rstrip().endswith("?")
        steps = next((part for part in parts if part.kind == "steps"), None)
        rank = 0 if is_question else 1 if steps else 2
        turn = turns[(document_id, rank)] = turns.get((document_id, rank), 0) + 1
        answer = steps or parts[0]
        starter = Starter(
            document_id,
            answer.document_title,
            heading,
            answer.id,
            answer.language,
            is_question,
            steps is not None,
        )
        ranked.append((rank, turn, len(ranked), starter))
    return [starter for _, _, _, starter in sorted(ranked, key=lambda entry: entry[:3])]


def _own_collection(session: Session, scope: Scope, collection_id: str) -> CollectionRow:
    row = session.get(CollectionRow, collection_id)
    if row is None or row.organisation_id != scope.organisation_id or row.id not in scope.collection_ids:
        raise CollectionNotFound("There is no such collection.")
    return row


def _own_document(session: Session, scope: Scope, document_id: str) -> DocumentRow:
    row = session.get(DocumentRow, document_id)
    if row is None or row.status == "removing":
        raise DocumentNotFound("There is no such document here.")
    try:
        _own_collection(session, scope, row.collection_id)
    except CollectionNotFound:
        raise DocumentNotFound("There is no such document here.") from None
    return row


def _clean_name(filename: str) -> str:
    """A label, never a path we open; the ending is kept because it says what the file is."""
    safe = filename.encode("utf-8", "replace").decode("utf-8").replace("\\", "/")
    parts = [
        part
        for part in _UNSAFE.sub("", unicodedata.normalize("NFC", safe)).split("/")
        if part not in ("", ".", "..")
    ]
    return "/".join(parts)[-_LONGEST_NAME:].strip() or "unnamed"


def _collection_of(row: CollectionRow) -> Collection:
    return Collection(row.id, row.organisation_id, row.name, row.version, row.created_at)


def _document_of(row: DocumentRow) -> Document:
    return Document(
        row.id,
        row.collection_id,
        row.filename,
        row.title or row.filename,
        row.media_type,
        row.language,
        row.status,
        row.ready_hash is not None,
        row.content_hash,
        row.file_key,
        row.error_key,
        row.error_detail,
        dict(row.report or {}),
        row.created_at,
        row.updated_at,
    )
