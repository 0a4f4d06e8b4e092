"""Tables of retrieval. The database is the truth: every index can be rebuilt from these three.

Foreign keys stay inside retrieval; an organisation is a text we are given.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC time on every database (SQLite would hand it back naive)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("Times are aware; this one has no time zone.")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> str:
    """32 hex digits that sort by time (UUID version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | (0x7 << 76) | (secrets.randbits(12) << 64)
    number |= (0b10 << 62) | secrets.randbits(62)
    return f"{number:032x}"


class RetrievalBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class CollectionRow(RetrievalBase):
    """A named set of documents of one organisation.

    ``version`` grows with every change of the passages that can be found; caches go by it.
    ``indexed_version`` is the version that the vector index holds, so the index is behind where they differ.
    """

    __tablename__ = "collection"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(Integer, default=0)
    indexed_version: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)


class DocumentRow(RetrievalBase):
    """One file name in a collection. The row keeps its id when the content changes.

    ``content_hash`` and ``file_key`` are the content that is wanted, ``ready_hash`` and ``ready_file_key``
    the content whose passages can be found now. Status: waiting, ready, failed, removing.
    """

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("collection_id", "filename"),
        Index("ix_document_status_updated_at", "status", "updated_at"),
        Index("ix_document_file_key", "file_key"),
        Index("ix_document_ready_file_key", "ready_file_key"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collection.id"))
    filename: Mapped[str] = mapped_column(String(500))
    title: Mapped[str] = mapped_column(Text, default="")
    media_type: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(8), default="und")
    content_hash: Mapped[str] = mapped_column(String(64))
    file_key: Mapped[str] = mapped_column(String(255))
    ready_hash: Mapped[str | None] = mapped_column(String(64))
    ready_file_key: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16))
    error_key: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    embedder: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    lease_owner: Mapped[str | None] = mapped_column(String(255))
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0)


class PassageRow(RetrievalBase):
    """What can be found and cited. ``start`` and ``end`` are character offsets in the document's parsed text.

    ``place_member`` is the file inside a package, ``marks`` the (offset in the text, seconds) of each cue.
    ``vector`` is the embedding as little-endian float16, made by ``embedder``. ``sentences`` are the (start, end)
    in the text of its sentences, ``sentence_vectors`` one row for each (see ``pack_sentences``).
    """

    __tablename__ = "passage"
    __table_args__ = (
        UniqueConstraint("document_id", "ordinal"),
        Index("ix_passage_collection_id", "collection_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("document.id"))
    collection_id: Mapped[str] = mapped_column(ForeignKey("collection.id"))
    ordinal: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    heading_path: Mapped[list[str]] = mapped_column(JSON)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    place_kind: Mapped[str] = mapped_column(String(16))
    place_value: Mapped[str] = mapped_column(Text)
    place_member: Mapped[str] = mapped_column(Text, default="", server_default="")
    marks: Mapped[list[tuple[int, float]]] = mapped_column(JSON, default=list, server_default="[]")
    start: Mapped[int] = mapped_column(Integer)
    end: Mapped[int] = mapped_column(Integer)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    embedder: Mapped[str] = mapped_column(String(255))
    sentences: Mapped[list[tuple[int, int]]] = mapped_column(JSON, default=list, server_default="[]")
    sentence_vectors: Mapped[bytes | None] = mapped_column(LargeBinary)
