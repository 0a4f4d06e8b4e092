"""Ingest under faults: killed processes, lost leases, models that fail. The same passages, once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from retrieval import Collection, DocumentNotFound, HashingEmbedder, Retrieval, Scope, UnsupportedFormat
from retrieval.embedding import FloatMatrix, Span
from retrieval.files import FileMissing, LocalFiles
from retrieval.models import CollectionRow, DocumentRow, PassageRow
from tests.retrieval.conftest import HANDBOOK, make_pdf, work_off

Upload = Callable[..., str]


def _passages(sessions: sessionmaker[Session]) -> list[tuple[str, int, str]]:
    with sessions() as session:
        rows = session.execute(
            select(PassageRow.id, PassageRow.ordinal, PassageRow.text).order_by(
                PassageRow.document_id, PassageRow.ordinal
            )
        )
        return [tuple(row) for row in rows]


def _files(folder: Path) -> list[str]:
    return list(LocalFiles(folder / "data" / "files").keys())


def test_the_same_content_twice_is_one_document(
    retrieval: Retrieval, retrieval_sessions: sessionmaker[Session], scope: Scope, upload: Upload
) -> None:
    first = upload("handbook.md", HANDBOOK)
    before = _passages(retrieval_sessions)
    assert upload("handbook.md", HANDBOOK) == first
    assert retrieval.document(scope, first).status == "ready"
    assert _passages(retrieval_sessions) == before
    counts = retrieval.counts()
    assert counts["documents"] == 1
    assert counts["passages"] == counts["vectors"] == counts["embedded"] == 3


def test_the_caller_s_transaction_decides(
    retrieval: Retrieval, retrieval_sessions: sessionmaker[Session], collection: Collection, scope: Scope
) -> None:
    with retrieval_sessions() as session:
        retrieval.add_document(session, collection.id, "handbook.md", HANDBOOK.encode())
        session.rollback()
    assert not retrieval.ingest_next("worker")
    assert retrieval.documents(scope) == []


def test_the_old_version_is_found_until_the_new_one_is_ready(
    retrieval: Retrieval, scope: Scope, upload: Upload, tmp_path: Path
) -> None:
    first = upload("rules.txt", "Refunds take fourteen days.")
    assert upload("rules.txt", "Refunds take thirty days.", ingest=False) == first
    waiting = retrieval.document(scope, first)
    assert (waiting.status, waiting.searchable) == ("waiting", True)
    assert retrieval.search("refunds", scope)[0].passage.text == "Refunds take fourteen days."
    assert len(_files(tmp_path)) == 2
    work_off(retrieval)
    assert retrieval.search("refunds", scope)[0].passage.text == "Refunds take thirty days."
    assert len(_files(tmp_path)) == 1
    assert retrieval.counts()["vectors"] == 1


def test_a_bad_new_version_leaves_the_old_one(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    document_id = upload("policy.pdf", make_pdf([["Refunds take fourteen days."]]))
    upload("policy.pdf", b"%PDF-1.4 not really")
    failed = retrieval.document(scope, document_id)
    assert (failed.status, failed.error_key) == ("failed", "document-unreadable")
    assert "Export it again" in (failed.error_detail or "")
    assert retrieval.search("refunds", scope)[0].passage.place.value == 1


def test_back_to_the_old_content_while_waiting_is_ready_at_once(
    retrieval: Retrieval, scope: Scope, upload: Upload
) -> None:
    document_id = upload("rules.txt", "Refunds take fourteen days.")
    upload("rules.txt", "Refunds take thirty days.", ingest=False)
    upload("rules.txt", "Refunds take fourteen days.", ingest=False)
    assert retrieval.document(scope, document_id).status == "ready"


def test_a_format_we_do_not_read_is_refused_before_it_is_kept(upload: Upload, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat):
        upload("deck.ppt", b"anything")
    assert _files(tmp_path) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "etc/passwd.txt"),
        ("C:\\temp\\a.txt", "C:/temp/a.txt"),
        ("a\x00b\n.txt", "ab.txt"),
        ("x" * 900 + ".txt", "x" * 496 + ".txt"),
        ("\ud800.txt", "?.txt"),
    ],
)
def test_a_file_name_is_a_label_not_a_path(
    retrieval: Retrieval, scope: Scope, upload: Upload, given: str, kept: str
) -> None:
    document_id = upload(given, "Some words.")
    assert retrieval.document(scope, document_id).filename == kept


def test_removal_leaves_no_trace(
    retrieval: Retrieval,
    retrieval_sessions: sessionmaker[Session],
    scope: Scope,
    upload: Upload,
    tmp_path: Path,
) -> None:
    shared = upload("one.txt", "The canary sings in the mine.")
    upload("two.txt", "The canary sings in the mine.")
    gone = upload("three.txt", "The zebra runs.")
    for document_id in (shared, gone):
        with retrieval_sessions.begin() as session:
            retrieval.remove_document(session, scope, document_id)
        with pytest.raises(DocumentNotFound):
            retrieval.document(scope, document_id)
    assert [hit.passage.text for hit in retrieval.search("zebra canary", scope)] == [
        "The canary sings in the mine."
    ]
    work_off(retrieval)
    counts = retrieval.counts()
    assert (counts["documents"], counts["removing"], counts["vectors"]) == (1, 0, 1)
    assert len(_files(tmp_path)) == 1
    with retrieval_sessions() as session:
        assert session.scalar(select(func.count()).select_from(DocumentRow)) == 1


def test_a_removed_document_can_come_back(
    retrieval: Retrieval, retrieval_sessions: sessionmaker[Session], scope: Scope, upload: Upload
) -> None:
    document_id = upload("one.txt", "The canary sings.")
    with retrieval_sessions.begin() as session:
        retrieval.remove_document(session, scope, document_id)
    upload("one.txt", "The canary sings.")
    assert len(retrieval.search("canary", scope)) == 1
    assert retrieval.counts()["vectors"] == 1


def test_removal_is_bound_to_the_scope(
    retrieval: Retrieval, retrieval_sessions: sessionmaker[Session], scope: Scope, upload: Upload
) -> None:
    document_id = upload("one.txt", "The canary sings.")
    with retrieval_sessions() as session, pytest.raises(DocumentNotFound):
        retrieval.remove_document(session, Scope("other", scope.collection_ids), document_id)


def test_a_live_lease_is_respected_and_a_dead_one_taken_over(
    retrieval_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    moment = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    retrieval = Retrieval(
        retrieval_sessions, tmp_path / "data", embedder=HashingEmbedder(), now=lambda: moment
    )
    collection = retrieval.collection("acme", "Handbook", create=True)
    with retrieval_sessions.begin() as session:
        document = retrieval.add_document(session, collection.id, "a.txt", b"Some words.")
        session.execute(
            update(DocumentRow).values(lease_owner="somebody", lease_until=moment + timedelta(seconds=30))
        )
    scope = Scope("acme", frozenset({collection.id}))
    assert not retrieval.ingest_next("worker")
    moment += timedelta(seconds=31)
    assert retrieval.ingest_next("worker")
    assert retrieval.document(scope, document.id).status == "ready"


class FailingEmbedder(HashingEmbedder):
    """Fails as often as told, then works; may do something else first, in the middle of the work."""

    def __init__(self, failures: int = 0, first: Callable[[], None] | None = None) -> None:
        self.failures = failures
        self.first = first

    def embed_parts(
        self, headers: Sequence[str], texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[FloatMatrix, list[FloatMatrix]]:
        if self.first is not None:
            first, self.first = self.first, None
            first()
        if self.failures > 0:
            self.failures -= 1
            raise ConnectionError("the model is away")
        return super().embed_parts(headers, texts, spans)


def test_a_model_that_is_away_is_waited_for(
    retrieval_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    moment = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    retrieval = Retrieval(
        retrieval_sessions, tmp_path / "data", embedder=FailingEmbedder(failures=2), now=lambda: moment
    )
    collection = retrieval.collection("acme", "Handbook", create=True)
    scope = Scope("acme", frozenset({collection.id}))
    with retrieval_sessions.begin() as session:
        document = retrieval.add_document(session, collection.id, "a.txt", b"Some words.")
    for _ in range(2):
        assert retrieval.ingest_next("worker")
        assert not retrieval.ingest_next("worker"), "it waits before it tries again"
        moment += timedelta(minutes=10)
    work_off(retrieval)
    assert retrieval.document(scope, document.id).status == "ready"


def test_a_document_that_always_fails_is_given_up(
    retrieval_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    moment = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    retrieval = Retrieval(
        retrieval_sessions, tmp_path / "data", embedder=FailingEmbedder(failures=99), now=lambda: moment
    )
    collection = retrieval.collection("acme", "Handbook", create=True)
    scope = Scope("acme", frozenset({collection.id}))
    with retrieval_sessions.begin() as session:
        document = retrieval.add_document(session, collection.id, "a.txt", b"Some words.")
    while retrieval.document(scope, document.id).status == "waiting":
        retrieval.ingest_next("worker")
        moment += timedelta(hours=1)
    failed = retrieval.document(scope, document.id)
    assert (failed.status, failed.error_key) == ("failed", "document-gave-up")
    with retrieval_sessions.begin() as session:
        retrieval.retry_document(session, scope, document.id)
    assert retrieval.document(scope, document.id).status == "waiting"


def test_content_that_changes_while_it_is_read_is_read_again(
    retrieval_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    embedder = FailingEmbedder()
    retrieval = Retrieval(retrieval_sessions, tmp_path / "data", embedder=embedder)
    collection = retrieval.collection("acme", "Handbook", create=True)

    def add(content: bytes) -> None:
        with retrieval_sessions.begin() as session:
            retrieval.add_document(session, collection.id, "a.txt", content)

    embedder.first = lambda: add(b"The second text.")
    add(b"The first text.")
    work_off(retrieval)
    assert [text for _, _, text in _passages(retrieval_sessions)] == ["The second text."]
    assert retrieval.counts()["vectors"] == 1


def test_another_model_embeds_everything_again_and_never_mixes(
    retrieval: Retrieval,
    retrieval_sessions: sessionmaker[Session],
    scope: Scope,
    upload: Upload,
    tmp_path: Path,
) -> None:
    upload("handbook.md", HANDBOOK)

    class Other(HashingEmbedder):
        """The same words in fewer dimensions."""

        @property
        def identity(self) -> str:
            return "hashed-words/other/128"

        @property
        def dimensions(self) -> int:
            return 128

        def _embed(self, texts: Sequence[str]) -> FloatMatrix:
            rows = super()._embed(texts)[:, :128]
            return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    changed = Retrieval(retrieval_sessions, tmp_path / "data", embedder=Other())
    before = changed.search("greet a caller", scope)
    assert before and all(hit.vector_score == 0 for hit in before), (
        "keywords only, until it is embedded again"
    )
    changed.reindex()
    assert changed.search("greet a caller", scope)[0].vector_score > 0
    counts = changed.counts()
    assert counts["embedded"] == counts["vectors"] == counts["passages"] == 3
    assert retrieval.counts()["vectors"] == 0, "the index of the old model is gone"


def test_the_index_is_rebuilt_from_the_database(
    retrieval: Retrieval, retrieval_sessions: sessionmaker[Session], collection: Collection, upload: Upload
) -> None:
    upload("handbook.md", HANDBOOK)
    index = retrieval._index
    identity = HashingEmbedder().identity
    index.remove(collection.id, identity, [_passages(retrieval_sessions)[0][0]])
    index.put(collection.id, identity, ["stranger"], HashingEmbedder().embed_passages(["x"]))
    retrieval.reindex()
    assert index.ids(collection.id, identity) == {id_ for id_, _, _ in _passages(retrieval_sessions)}


def test_a_missing_file_is_said(retrieval: Retrieval, scope: Scope, upload: Upload, tmp_path: Path) -> None:
    document_id = upload("a.txt", "Some words.", ingest=False)
    files = LocalFiles(tmp_path / "data" / "files")
    files.delete(retrieval.document(scope, document_id).file_key)
    work_off(retrieval)
    assert retrieval.document(scope, document_id).error_key == "document-file-missing"
    with pytest.raises(FileMissing):
        retrieval.original(scope, document_id)


# Killed at any step

# One process has everything imported and forks a worker for each test; the worker kills itself at the point.
_FORKS = """
import os, signal, sys
from pathlib import Path
import chromadb
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
import retrieval.ingest as ingest
from retrieval import HashingEmbedder, Retrieval
from retrieval.files import LocalFiles
from retrieval.index import VectorIndex

PLACES = {
    "parse": (ingest, "read_safely"), "chunk": (ingest, "chunk"), "embed": (HashingEmbedder, "embed_parts"),
    "store": (ingest.Ingester, "_store"), "version": (ingest, "raise_version"),
    "claim": (ingest.Ingester, "_claim"), "put": (VectorIndex, "put"), "reconcile": (ingest.Ingester, "reconcile"),
    "remove": (VectorIndex, "remove"), "file": (LocalFiles, "delete"),
}

def killing(function, after):
    def wrapped(*args, **kwargs):
        result = function(*args, **kwargs) if after else None
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

def work(folder, point):
    name, _, when = point.partition(":")
    owner, attribute = PLACES[name]
    setattr(owner, attribute, killing(getattr(owner, attribute), when == "after"))
    sessions = sessionmaker(create_engine(f"sqlite:///{folder}/retrieval.db"))
    retrieval = Retrieval(sessions, Path(folder) / "data", embedder=HashingEmbedder())
    while retrieval.ingest_next("killed"):
        pass

for line in sys.stdin:
    folder, point = line.rstrip().split("\\t")
    child = os.fork()
    if child == 0:
        work(folder, point)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def killed_at() -> Iterator[Callable[[Path, str], None]]:
    """killed_at(folder, "step:before|after"): a worker that dies there by SIGKILL."""
    with subprocess.Popen(
        [sys.executable, "-c", _FORKS],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        asked, told = process.stdin, process.stdout

        def _killed_at(folder: Path, point: str) -> None:
            asked.write(f"{folder}\t{point}\n")
            asked.flush()
            assert int(told.readline()) == -signal.SIGKILL

        yield _killed_at
        asked.close()


@pytest.mark.parametrize(
    "point",
    [
        "claim:after",
        "parse:before",
        "chunk:after",
        "embed:before",
        "embed:after",
        "store:before",
        "version:after",
        "store:after",
        "put:before",
        "put:after",
        "remove:after",
        "reconcile:after",
        "file:before",
        "file:after",
    ],
)
def test_killed_at_any_step_it_ends_in_the_same_passages_once(
    retrieval_sessions: sessionmaker[Session],
    tmp_path: Path,
    killed_at: Callable[[Path, str], None],
    point: str,
) -> None:
    moment = datetime.now(UTC)
    retrieval = Retrieval(
        retrieval_sessions, tmp_path / "data", embedder=HashingEmbedder(), now=lambda: moment
    )
    collection = retrieval.collection("acme", "Handbook", create=True)
    scope = Scope("acme", frozenset({collection.id}))

    def add(content: str) -> str:
        with retrieval_sessions.begin() as session:
            return retrieval.add_document(session, collection.id, "handbook.md", content.encode()).id

    expected_id = add("Old text, soon replaced.")
    work_off(retrieval)
    assert add(HANDBOOK) == expected_id
    killed_at(tmp_path, point)
    with retrieval_sessions() as session:
        texts = {text for _, _, text in _passages(retrieval_sessions)}
        count = session.scalar(select(func.count()).select_from(DocumentRow))
    assert count == 1
    old = texts == {"Old text, soon replaced."}
    assert old or len(texts) == 3, "either the whole old version or the whole new one"
    moment += timedelta(minutes=5)
    work_off(retrieval)
    found = _passages(retrieval_sessions)
    assert len(found) == len({id_ for id_, _, _ in found}) == 3
    assert retrieval._index.ids(collection.id, HashingEmbedder().identity) == {id_ for id_, _, _ in found}
    counts = retrieval.counts()
    assert (counts["waiting"], counts["failed"], counts["behind"]) == (0, 0, 0)
    assert retrieval.search("greet", scope)[0].passage.heading_path[-1] == "How do I greet a caller?"
    retrieval.reindex()
    assert len(_files(tmp_path)) == 1
    with retrieval_sessions() as session:
        [row] = session.scalars(select(CollectionRow)).all()
        assert row.version == row.indexed_version


@pytest.mark.parametrize(
    "point", ["remove:before", "remove:after", "reconcile:after", "file:before", "file:after"]
)
def test_killed_while_removing_no_trace_is_left(
    retrieval_sessions: sessionmaker[Session],
    tmp_path: Path,
    killed_at: Callable[[Path, str], None],
    point: str,
) -> None:
    retrieval = Retrieval(retrieval_sessions, tmp_path / "data", embedder=HashingEmbedder())
    collection = retrieval.collection("acme", "Handbook", create=True)
    scope = Scope("acme", frozenset({collection.id}))
    with retrieval_sessions.begin() as session:
        document = retrieval.add_document(session, collection.id, "handbook.md", HANDBOOK.encode())
    work_off(retrieval)
    with retrieval_sessions.begin() as session:
        retrieval.remove_document(session, scope, document.id)
    killed_at(tmp_path, point)
    assert retrieval.search("greet", scope) == []
    work_off(retrieval)
    assert _passages(retrieval_sessions) == []
    assert _files(tmp_path) == []
    assert retrieval._index.ids(collection.id, HashingEmbedder().identity) == set()
    with retrieval_sessions() as session:
        assert session.scalar(select(func.count()).select_from(DocumentRow)) == 0
