"""What ranking promises beyond words: follow-ups, a reranker that may fail, sentences, passages that are not embedded twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from retrieval import Exchange, HashingEmbedder, Retrieval, Scope
from retrieval.background import Background
from retrieval.chunking import chunk
from retrieval.embedding import FloatMatrix, Span
from retrieval.models import DocumentRow
from retrieval.parsing import Block, ParsedDocument, ParseReport
from retrieval.passage_vectors import sentence_parts
from retrieval.places import Place
from retrieval.shelves import pack_sentences, unpack_sentences
from tests.retrieval.conftest import work_off

Upload = Callable[..., str]
TWO = (
    "# Leave\n\n## Sick leave\n\nSick leave for staff on a term is forty hours.\n\n"
    "## Parking\n\nParking for staff on a term is free.\n"
)


class Counting(HashingEmbedder):
    """Says which passages it was asked for, in a crowd of vectors as a real model makes them."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_parts(
        self, headers: Sequence[str], texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[FloatMatrix, list[FloatMatrix]]:
        self.texts += texts
        return super().embed_parts(headers, texts, spans)


class Backwards:
    """A reranker that likes the shortest passage best, or fails."""

    def __init__(self) -> None:
        self.fails = False

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        if self.fails:
            raise ConnectionError("the reranker is away")
        return [-float(len(text)) for text in passages]


def test_a_follow_up_leans_on_the_exchange_before(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    upload("leave.md", TWO)
    for subject in ("Sick leave", "Parking"):
        hits = retrieval.search(
            "and for staff on a term?", scope, earlier=Exchange(f"What about {subject.lower()}?")
        )
        assert hits[0].passage.heading_path[-1] == subject


def test_only_what_changed_is_embedded_again(
    retrieval_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    embedder = Counting()
    retrieval = Retrieval(retrieval_sessions, tmp_path / "data", embedder=embedder)
    collection = retrieval.collection("acme", "Handbook", create=True)
    for text in (TWO, TWO.replace("free", "paid")):
        embedder.texts.clear()
        with retrieval_sessions.begin() as session:
            retrieval.add_document(session, collection.id, "leave.md", text.encode())
        work_off(retrieval)
    assert embedder.texts == ["Parking for staff on a term is paid."]


def test_a_reranker_orders_the_best_and_may_fail(
    retrieval_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    reranker = Backwards()
    retrieval = Retrieval(
        retrieval_sessions, tmp_path / "data", embedder=HashingEmbedder(), reranker=reranker
    )
    collection = retrieval.collection("acme", "Handbook", create=True)
    with retrieval_sessions.begin() as session:
        retrieval.add_document(session, collection.id, "leave.md", TWO.encode())
    work_off(retrieval)
    scope = Scope("acme", frozenset({collection.id}))
    assert retrieval.search("sick leave", scope)[0].passage.heading_path[-1] == "Parking"
    reranker.fails = True
    assert retrieval.search("sick leave", scope)[0].passage.heading_path[-1] == "Sick leave"


def test_a_dead_workers_documents_are_free_at_once(
    retrieval: Retrieval, retrieval_sessions: sessionmaker[Session], upload: Upload
) -> None:
    document_id = upload("leave.md", TWO)
    with retrieval_sessions.begin() as session:
        session.get_one(DocumentRow, document_id).lease_owner = "dead"
    with retrieval_sessions.begin() as session:
        assert retrieval.free_leases(session, lambda owner: owner == "alive") == 0
        assert retrieval.free_leases(session, lambda owner: owner == "dead") == 1
    with retrieval_sessions() as session:
        assert session.get_one(DocumentRow, document_id).lease_owner is None


def test_a_quotation_in_a_transcript_has_its_own_cue() -> None:
    text = "Hello there. Now the stock. Goodbye."
    block = Block("paragraph", text, (), Place("cue", 1.0), "", ((0, 1.0), (13, 5.5), (28, 9.0)))
    [one] = chunk("c", "t.vtt", ParsedDocument("T", "en", [block], ParseReport()))
    assert [one.marks[n][1] for n in range(3)] == [1.0, 5.5, 9.0]
    assert one.text[one.marks[1][0] :].startswith("Now the stock.")


@pytest.mark.parametrize("crowded", [True, False])
def test_only_a_model_that_crowds_its_texts_is_centred(crowded: bool, tmp_path: Path) -> None:
    class Model(HashingEmbedder):
        def _embed(self, texts: Sequence[str]) -> FloatMatrix:
            rows = super()._embed(texts) + (3.0 if crowded else 0.0) * np.eye(1, 256, dtype=np.float32)
            return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    assert (Background(Model(), tmp_path).share > 0) is crowded
    kept = next(tmp_path.glob("background-*.npz"))
    kept.write_bytes(b"damaged")
    assert (Background(Model(), tmp_path).share > 0) is crowded, "computed anew"


@given(st.integers(0, 2**32), st.integers(0, 6))
def test_sentence_vectors_survive_packing(seed: int, count: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, 32)).astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    back = unpack_sentences(np.frombuffer(pack_sentences(rows), np.int8).reshape(-1, 34))
    assert back.shape == rows.shape
    assert np.abs(np.sum(back * rows, axis=1) - 1).max(initial=0) < 0.02


@given(st.text(max_size=400))
def test_sentences_lie_in_order_and_do_not_overlap(text: str) -> None:
    parts = sentence_parts(text)
    assert all(0 <= start < end <= len(text) for start, end in parts)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(parts))
