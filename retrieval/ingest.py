"""Waiting documents become passages. Durable: killed at any step and run again, it ends in the same passages.

Each document is claimed by a lease (compare-and-set on its row), read, cut and embedded outside any
transaction, and then put in the database in one: until that commit the old content is what is found, from it
on the new. The vector index follows the database: a collection remembers the version that its index holds,
and whoever finds it behind brings it up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import ColumnElement, Select, delete, exists, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, sessionmaker

from retrieval.chunking import Chunk, chunk
from retrieval.embedding import Embedder
from retrieval.files import FileMissing, FileStore
from retrieval.index import FloatMatrix, VectorIndex
from retrieval.models import CollectionRow, DocumentRow, PassageRow
from retrieval.parsing import (
    ParsedDocument,
    UnreadableDocument,
    UnsupportedFormat,
)
from retrieval.parsing.sandbox import read_safely
from retrieval.passage_vectors import Embedded, embed
from retrieval.shelves import unpack_vector

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with (file name, passages done, passages in all)."""

LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 5
_BATCH = 16
_ROWS = 1_000


class LeaseLost(Exception):
    """Another worker took the document over, or its content changed while it was read."""


class Ingester:
    """Does one piece of work at a time; any number may run on one database."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        files: FileStore,
        embedder: Embedder,
        index: VectorIndex,
        now: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._files = files
        self._embedder = embedder
        self._index = index
        self._now = now

    def work_once(self, owner: str, progress: Progress | None = None) -> bool:
        """One document, one removal or one index brought up. False when nothing is to be done."""
        claimed = self._claim(owner)
        if claimed is not None:
            self._ingest(claimed, owner, progress)
            return True
        return self._remove_one() or self._index_one()

    # Documents

    def _claim(self, owner: str) -> DocumentRow | None:
        now = self._now()
        free = or_(DocumentRow.lease_until.is_(None), DocumentRow.lease_until < now)
        with self._sessions.begin() as session:
            candidates = session.scalars(
                select(DocumentRow.id)
                .where(DocumentRow.status == "waiting", free)
                .order_by(DocumentRow.updated_at, DocumentRow.id)
                .limit(5)
            ).all()
            for document_id in candidates:
                taken = _changed(
                    session,
                    update(DocumentRow)
                    .where(
                        DocumentRow.id == document_id,
                        DocumentRow.status == "waiting",
                        free,
                    )
                    .values(
                        lease_owner=owner,
                        lease_until=now + LEASE,
                        attempts=DocumentRow.attempts + 1,
                    )
                    .execution_options(synchronize_session=False),
                )
                if taken:
                    row = session.get_one(DocumentRow, document_id, populate_existing=True)
                    session.expunge(row)
                    return row
        return None

    def _ingest(self, row: DocumentRow, owner: str, progress: Progress | None) -> None:
        try:
            if row.attempts > MOST_ATTEMPTS:
                self._fail(
                    row,
                    owner,
                    "document-gave-up",
                    "Reading this file ended early again and again.",
                )
                return
            data = self._files.read(row.file_key)
            parsed = read_safely(row.filename, data, heartbeat=lambda: self._renew(row, owner))
            self._renew(row, owner)
            chunks = chunk(row.collection_id, row.filename, parsed, self._embedder.count_tokens)
            vectors = self._embed(row, owner, parsed, chunks, progress)
            self._store(row, owner, parsed, chunks, vectors)
        except (UnsupportedFormat, UnreadableDocument, FileMissing) as problem:
            self._fail(row, owner, problem.key, str(problem))
        except LeaseLost:
            log.info(
                "document %s was taken over or changed; its other worker goes on",
                row.id,
            )
        except Exception as problem:
            # A model that is away or a full disk may pass: wait, longer each time, and give up in the end.
            log.exception("document %s could not be ingested (attempt %s)", row.id, row.attempts)
            if row.attempts >= MOST_ATTEMPTS:
                self._fail(row, owner, "document-gave-up", f"{type(problem).__name__}")
            else:
                self._postpone(row, owner)

    def _embed(
        self,
        row: DocumentRow,
        owner: str,
        parsed: ParsedDocument,
        chunks: Sequence[Chunk],
        progress: Progress | None,
    ) -> list[Embedded]:
        """The vectors of each passage; those of passages that have not changed are taken over."""
        known = self._known(row, parsed.title)
        embedded = [known.get((one.id, one.heading_path)) for one in chunks]
        missing = [at for at, one in enumerate(embedded) if one is None]
        done = len(chunks) - len(missing)
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            for at, fresh in zip(
                part,
                embed(
                    self._embedder,
                    [(parsed.title, chunks[at].heading_path, chunks[at].text) for at in part],
                ),
                strict=True,
            ):
                embedded[at] = fresh
            self._renew(row, owner)
            if progress is not None:
                progress(row.filename, done + start + len(part), len(chunks))
        return [one for one in embedded if one is not None]

    def _known(self, row: DocumentRow, title: str) -> dict[tuple[str, tuple[str, ...]], Embedded]:
        """What the document's passages have now, by id and headings: all that their vectors depend on."""
        with self._sessions() as session:
            held = session.scalars(
                select(PassageRow)
                .join(DocumentRow, DocumentRow.id == PassageRow.document_id)
                .where(
                    PassageRow.document_id == row.id,
                    PassageRow.embedder == self._embedder.identity,
                    PassageRow.sentence_vectors.is_not(None),
                    DocumentRow.title == title,
                )
            )
            return {
                (one.id, tuple(one.heading_path)): Embedded(
                    one.vector, [(start, end) for start, end in one.sentences], one.sentence_vectors or b""
                )
                for one in held
            }

    def _store(
        self,
        row: DocumentRow,
        owner: str,
        parsed: ParsedDocument,
        chunks: Sequence[Chunk],
        vectors: Sequence[Embedded],
    ) -> None:
        identity = self._embedder.identity
        with self._sessions.begin() as session:
            finished = _changed(
                session,
                update(DocumentRow)
                .where(*_still_ours(row, owner))
                .values(
                    status="ready",
                    title=parsed.title,
                    language=parsed.language,
                    report=parsed.report.as_json() | {"passages": len(chunks)},
                    embedder=identity,
                    ready_hash=row.content_hash,
                    ready_file_key=row.file_key,
                    error_key=None,
                    error_detail=None,
                    updated_at=self._now(),
                    lease_owner=None,
                    lease_until=None,
                    attempts=0,
                ),
            )
            if not finished:
                raise LeaseLost
            session.execute(delete(PassageRow).where(PassageRow.document_id == row.id))
            session.flush()
            session.add_all(
                PassageRow(
                    id=one.id,
                    document_id=row.id,
                    collection_id=row.collection_id,
                    ordinal=one.ordinal,
                    kind=one.kind,
                    heading_path=list(one.heading_path),
                    text=one.text,
                    language=one.language,
                    place_kind=one.place.kind,
                    place_value=one.place.stored(),
                    place_member=one.place.member,
                    marks=list(one.marks),
                    start=one.start,
                    end=one.end,
                    vector=vector.vector,
                    sentences=vector.sentences,
                    sentence_vectors=vector.sentence_vectors,
                    embedder=identity,
                )
                for one, vector in zip(chunks, vectors, strict=True)
            )
            raise_version(session, row.collection_id)
        if row.ready_file_key and row.ready_file_key != row.file_key:
            self._delete_file_if_unreferenced(row.ready_file_key)

    def _renew(self, row: DocumentRow, owner: str) -> None:
        with self._sessions.begin() as session:
            if not _changed(
                session,
                update(DocumentRow).where(*_still_ours(row, owner)).values(lease_until=self._now() + LEASE),
            ):
                raise LeaseLost

    def _fail(self, row: DocumentRow, owner: str, key: str, detail: str) -> None:
        self._finish_badly(
            row,
            owner,
            status="failed",
            error_key=key,
            error_detail=detail[:2_000],
            lease_owner=None,
            lease_until=None,
        )

    def _postpone(self, row: DocumentRow, owner: str) -> None:
        wait = timedelta(seconds=15 * 2**row.attempts)
        self._finish_badly(row, owner, lease_owner=None, lease_until=self._now() + wait)

    def _finish_badly(self, row: DocumentRow, owner: str, **values: object) -> None:
        with self._sessions.begin() as session:
            session.execute(
                update(DocumentRow).where(*_still_ours(row, owner)).values(updated_at=self._now(), **values)
            )

    # Removal

    def _remove_one(self) -> bool:
        """Ends a removal: vectors first, then the file, then the row, so that a kill leaves the row to go on from."""
        with self._sessions() as session:
            row = session.scalars(
                select(DocumentRow).where(DocumentRow.status == "removing").limit(1)
            ).first()
            if row is None:
                return False
            session.expunge(row)
        if not self._bring_up(row.collection_id):
            return False
        with self._sessions.begin() as session:
            session.execute(delete(PassageRow).where(PassageRow.document_id == row.id))
            session.execute(
                delete(DocumentRow).where(DocumentRow.id == row.id, DocumentRow.status == "removing")
            )
            keys = {row.file_key, row.ready_file_key} - {None}
            unreferenced = [key for key in keys if key and not _referenced(session, key)]
            # Before the commit: a kill in between deletes nothing twice and leaves no file without a row.
            for key in unreferenced:
                self._files.delete(key)
        return True

    def _delete_file_if_unreferenced(self, key: str) -> None:
        with self._sessions() as session:
            if not _referenced(session, key):
                self._files.delete(key)

    # The vector index

    def _index_one(self) -> bool:
        with self._sessions() as session:
            behind = session.scalars(
                select(CollectionRow.id)
                .where(CollectionRow.indexed_version < CollectionRow.version)
                .limit(20)
            ).all()
        return any(self._bring_up(collection_id) for collection_id in behind)

    def _bring_up(self, collection_id: str) -> bool:
        """Makes the index hold exactly the collection's vectors; True when it does."""
        try:
            self.reconcile(collection_id)
        except Exception:
            log.exception(
                "the vector index of collection %s is damaged; building it anew",
                collection_id,
            )
            try:
                self._index.drop(collection_id)
                self.reconcile(collection_id)
            except Exception:
                # Search goes on without it: a scope whose index is behind is searched exactly.
                log.exception("the vector index of collection %s cannot be built", collection_id)
                return False
        return True

    def reconcile(self, collection_id: str) -> None:
        """Adds what the index lacks and removes what it should not have; the database decides."""
        identity = self._embedder.identity
        with self._sessions() as session:
            version = session.scalar(select(CollectionRow.version).where(CollectionRow.id == collection_id))
            if version is None:
                return
            wanted = set(
                session.scalars(
                    select(PassageRow.id).where(
                        PassageRow.collection_id == collection_id,
                        PassageRow.embedder == identity,
                    )
                )
            )
        held = self._index.ids(collection_id, identity)
        lacking = sorted(wanted - held)
        for ids, vectors in self._stored_vectors(lacking):
            self._index.put(collection_id, identity, ids, vectors)
        self._index.remove(collection_id, identity, sorted(held - wanted))
        with self._sessions.begin() as session:
            session.execute(
                update(CollectionRow)
                .where(
                    CollectionRow.id == collection_id,
                    CollectionRow.indexed_version < version,
                )
                .values(indexed_version=version)
            )

    def _stored_vectors(self, ids: Sequence[str]) -> Iterator[tuple[list[str], FloatMatrix]]:
        for start in range(0, len(ids), _ROWS):
            part = ids[start : start + _ROWS]
            with self._sessions() as session:
                rows = session.execute(
                    select(PassageRow.id, PassageRow.vector).where(
                        PassageRow.id.in_(part),
                        PassageRow.embedder == self._embedder.identity,
                    )
                ).all()
            if rows:
                yield (
                    [row.id for row in rows],
                    np.stack([unpack_vector(row.vector) for row in rows]),
                )

    # Re-indexing

    def reindex(self, progress: Progress | None = None) -> None:
        """Embeds again what another model embedded, builds every index anew, sweeps what nobody refers to.

        Can be killed and run again. Searches go on meanwhile; a passage that waits for its new vector is found
        by keywords only.
        """
        identity = self._embedder.identity
        with self._sessions() as session:
            collections = session.scalars(select(CollectionRow.id).order_by(CollectionRow.id)).all()
            stale = session.scalars(_stale_documents(identity)).all()
        for document_id in stale:
            self._embed_again(document_id, progress)
        for collection_id in collections:
            self._index.drop(collection_id)
            with self._sessions.begin() as session:
                session.execute(
                    update(CollectionRow).where(CollectionRow.id == collection_id).values(indexed_version=-1)
                )
            self.reconcile(collection_id)
        self._index.drop_strangers(collections)
        self.sweep_files()

    def _embed_again(self, document_id: str, progress: Progress | None) -> None:
        identity = self._embedder.identity
        with self._sessions() as session:
            document = session.get(DocumentRow, document_id)
            rows = session.execute(
                select(PassageRow.id, PassageRow.heading_path, PassageRow.text).where(
                    PassageRow.document_id == document_id,
                    or_(PassageRow.embedder != identity, PassageRow.sentence_vectors.is_(None)),
                )
            ).all()
        if document is None:
            return
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            vectors = embed(self._embedder, [(document.title, row.heading_path, row.text) for row in part])
            with self._sessions.begin() as session:
                for row, vector in zip(part, vectors, strict=True):
                    session.execute(
                        update(PassageRow)
                        .where(PassageRow.id == row.id)
                        .values(
                            vector=vector.vector,
                            sentences=vector.sentences,
                            sentence_vectors=vector.sentence_vectors,
                            embedder=identity,
                        )
                    )
                raise_version(session, document.collection_id)
            if progress is not None:
                progress(document.filename, start + len(part), len(rows))
        with self._sessions.begin() as session:
            session.execute(
                update(DocumentRow).where(DocumentRow.id == document_id).values(embedder=identity)
            )

    def sweep_files(self) -> int:
        """Deletes stored files that no document refers to; returns how many."""
        swept = 0
        for key in list(self._files.keys()):
            with self._sessions() as session:
                if not _referenced(session, key):
                    self._files.delete(key)
                    swept += 1
        return swept


def raise_version(session: Session, collection_id: str) -> None:
    """Says that what can be found in the collection has changed; in the transaction that changes it."""
    session.execute(
        update(CollectionRow)
        .where(CollectionRow.id == collection_id)
        .values(version=CollectionRow.version + 1)
    )


def _still_ours(row: DocumentRow, owner: str) -> tuple[ColumnElement[bool], ...]:
    return (
        DocumentRow.id == row.id,
        DocumentRow.status == "waiting",
        DocumentRow.lease_owner == owner,
        DocumentRow.content_hash == row.content_hash,
        DocumentRow.attempts == row.attempts,
    )


def _stale_documents(identity: str) -> Select[str]:
    return (
        select(PassageRow.document_id)
        .where(or_(PassageRow.embedder != identity, PassageRow.sentence_vectors.is_(None)))
        .distinct()
    )


def _referenced(session: Session, key: str) -> bool:
    return bool(
        session.scalar(
            select(
                exists().where(
                    or_(DocumentRow.file_key == key, DocumentRow.ready_file_key == key),
                    DocumentRow.status != "removing",
                )
            )
        )
    )


def _changed(session: Session, statement: object) -> int:
    result = session.execute(statement)  # type: ignore[call-overload]
    assert isinstance(result, CursorResult)
    return int(result.rowcount)
