"""The packaged model, for real; slow to load, so once for all of these tests."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from retrieval import HashingEmbedder, LangChainEmbedder, PackagedE5
from retrieval.e5_weights import WeightsUnreadable, read_weights
from retrieval.embedding import Embedder

pytestmark = pytest.mark.xdist_group("model")
TEXTS = [
    "Ask the customer for two photos before you decide anything.",
    "¿Cómo devuelvo un paquete dañado? Abra un caso y pida fotos.",
    "O reembolso é pago no prazo de 14 dias, se houver recibo.",
    "日本語のテキストです。配達が遅れました。",
    "ﬁne ｆｕｌｌ-width  letters\tand \u00a0 spaces — “quotes”",
    "A longer passage about the limits of a refund in one case. " * 20,
    "x",
    "",
]


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> PackagedE5:
    return PackagedE5(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def native() -> PackagedE5:
    return PackagedE5(engine="native")


def test_both_engines_compute_the_same_vectors(e5: PackagedE5, native: PackagedE5) -> None:
    assert native.identity == e5.identity
    for ours, theirs in (
        (e5.embed_passages(TEXTS), native.embed_passages(TEXTS)),
        (e5.embed_queries(TEXTS[:3]), native.embed_queries(TEXTS[:3])),
    ):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
        assert np.einsum("ij,ij->i", ours, theirs).min() > 0.999


def test_both_engines_count_the_same_tokens(e5: PackagedE5, native: PackagedE5) -> None:
    assert [e5.count_tokens(text) for text in TEXTS] == [native.count_tokens(text) for text in TEXTS]


def test_a_batch_gives_what_each_text_gives_alone(e5: PackagedE5) -> None:
    together = e5.embed_passages(TEXTS)
    alone = np.concatenate([e5.embed_passages([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert e5.embed_passages([]).shape == (0, 384)


def test_meaning_crosses_languages(e5: PackagedE5) -> None:
    question = e5.embed_queries(["How do I send back a broken package?"])[0]
    scores = e5.embed_passages(TEXTS[:4]) @ question
    assert int(np.argmax(scores)) == 1


def test_any_text_is_embedded(e5: PackagedE5, native: PackagedE5) -> None:
    # U+FDFA expands to eighteen letters: the package's own engine would overrun its buffer on it.
    odd = ["\ufdfa" * 40, "a\0b", "\ud800 lone", "word " * 700, "\n", "\u200b"]
    for engine in (e5, native):
        vectors = engine.embed_passages(odd)
        assert vectors.shape == (len(odd), 384)
        assert np.isfinite(vectors).all()


def test_threads_share_one_model() -> None:
    shared = PackagedE5()
    expected = HashingEmbedder()
    assert expected.identity != shared.identity
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(shared.embed_queries(["the same question"])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for one in results[1:]:
        np.testing.assert_allclose(one, results[0], atol=1e-6)


def test_other_files_are_not_taken_for_weights(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "weights.bin"
    path.write_bytes(b"something else entirely")
    with pytest.raises(WeightsUnreadable):
        read_weights(path)


class CountingEmbeddings(Embeddings):
    """A LangChain model that counts letters."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(text.count(letter)) for letter in "aeiou"] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def test_a_langchain_model_can_take_the_place() -> None:
    embedder: Embedder = LangChainEmbedder.from_setting(f"{__name__}:CountingEmbeddings", "counting/1")
    assert embedder.identity == "langchain/counting/1"
    assert embedder.dimensions == 5
    vectors = embedder.embed_passages(["banana", "queue"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert embedder.embed_passages([]).shape == (0, 5)


def test_what_is_no_langchain_model_is_refused() -> None:
    with pytest.raises(TypeError):
        LangChainEmbedder.from_setting("retrieval:Scope", "x")


def test_the_double_is_deterministic() -> None:
    first, second = HashingEmbedder(), HashingEmbedder()
    np.testing.assert_array_equal(first.embed_passages(TEXTS), second.embed_passages(TEXTS))
