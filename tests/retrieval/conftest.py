"""Fixtures of retrieval: a database file, a facade over it with the quick test double, documents in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from retrieval import Collection, HashingEmbedder, Retrieval, Scope
from retrieval.models import RetrievalBase

# Two shared cores: how long one example takes says nothing.
settings.register_profile("shared cores", deadline=None, max_examples=60)
settings.load_profile("shared cores")

HANDBOOK = """# Support handbook

## Damaged parcels

Ask the customer for two photos before you decide anything.

1. Open a case in Deskbook.
2. Ask for one photo of the outside and one of the inside.
3. Refund up to €50 within 14 days of delivery.

## How do I greet a caller?

Say the name of the company, then your own name, then ask how you can help.

## Answer times

| Channel | First answer |
|---|---|
| Phone | 40 seconds |
| Chat | 60 seconds |
"""


@pytest.fixture
def retrieval_sessions(tmp_path: Path) -> Iterator[sessionmaker[Session]]:
    """Sessions on a fresh SQLite file. The one place of these tests that creates the schema."""
    engine = create_engine(f"sqlite:///{tmp_path}/retrieval.db")
    RetrievalBase.metadata.create_all(engine)
    yield sessionmaker(engine)
    engine.dispose()


@pytest.fixture
def retrieval(retrieval_sessions: sessionmaker[Session], tmp_path: Path) -> Retrieval:
    return Retrieval(retrieval_sessions, tmp_path / "data", embedder=HashingEmbedder())


@pytest.fixture
def collection(retrieval: Retrieval) -> Collection:
    return retrieval.collection("acme", "Handbook", create=True)


@pytest.fixture
def scope(collection: Collection) -> Scope:
    return Scope("acme", frozenset({collection.id}))


@pytest.fixture
def upload(
    retrieval: Retrieval, retrieval_sessions: sessionmaker[Session], collection: Collection
) -> Callable[..., str]:
    """upload(filename, text or bytes, collection_id=..., wait=True) -> document id, ingested."""

    def _upload(
        filename: str, content: str | bytes, collection_id: str | None = None, ingest: bool = True
    ) -> str:
        data = content if isinstance(content, bytes) else content.encode()
        with retrieval_sessions.begin() as session:
            document = retrieval.add_document(session, collection_id or collection.id, filename, data)
        if ingest:
            work_off(retrieval)
        return document.id

    return _upload


def work_off(retrieval: Retrieval, owner: str = "worker") -> None:
    while retrieval.ingest_next(owner):
        pass


def pdf_file(objects: Sequence[bytes], trailer: bytes) -> bytes:
    """The file of these objects, numbered from 1, with its table; `trailer` names the catalogue."""
    out = bytearray(b"%PDF-1.5\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, table)
    return bytes(out)


def make_pdf(pages: list[list[str]], *, title: str = "", encrypted: bool = False) -> bytes:
    """A PDF with one line of text under the other; WinAnsi letters only."""
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    catalog, tree = add(b""), add(b"")
    font = add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for lines in pages:
        drawn = [b"BT /F1 11 Tf 14 TL 72 760 Td"]
        for line in lines:
            escaped = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
            drawn.append(b"(" + escaped.encode("cp1252") + b") Tj T*")
        stream = b"\n".join([*drawn, b"ET"])
        content = add(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        kids.append(
            add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
                b"/Resources << /Font << /F1 %d 0 R >> >> >>" % (tree, content, font)
            )
        )
    objects[catalog - 1] = b"<< /Type /Catalog /Pages %d 0 R >>" % tree
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[tree - 1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), listed)
    information = add(b"<< /Title (%s) >>" % title.encode("cp1252"))
    out = pdf_file(objects, b"/Root %d 0 R /Info %d 0 R" % (catalog, information))
    if not encrypted:
        return out
    import io

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(out)))
    writer.encrypt("secret", algorithm="RC4-128")
    sealed = io.BytesIO()
    writer.write(sealed)
    return sealed.getvalue()
