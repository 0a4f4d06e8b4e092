"""Expresses the packaged e5 encoder as an ONNX graph, so that ONNX Runtime can run it.

The four-bit weights are re-packed, not re-quantised: ONNX Runtime's ``MatMulNBits`` takes the same blocks of
32 weights with one scale each, only with neighbouring weights sharing a byte. An ONNX file is a protocol
buffer; the few message types we need are written here directly (field numbers from onnx.proto3, ONNX IR
version 8), which spares a dependency that would be used once.

Graph inputs: ``embedded`` float32 (texts, tokens, width), the summed word, position and type embeddings;
``lengths`` int32 (texts), how many leading tokens of each row are real. Output: ``hidden`` float32
(texts, tokens, width).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrieval.e5_weights import BLOCK, FourBitMatrix, Weights

GRAPH_VERSION = 1
_FLOAT, _UINT8, _INT32 = 1, 2, 6
_OPSET, _IR = 17, 8


def build_graph(weights: Weights) -> bytes:
    """The whole encoder as the bytes of an ONNX model (about 15 MB)."""
    graph = _Graph()
    width = weights.width
    vectors, matrices = weights.vectors, weights.matrices
    state = graph.layer_norm("embedded", vectors["emb.ln.w"], vectors["emb.ln.b"], weights.epsilon, "start")
    for layer in range(weights.layers):
        name = f"l{layer}"
        projected = [
            graph.linear(
                state,
                matrices[f"{name}.{part}.w"],
                vectors[f"{name}.{part}.b"],
                f"{name}.{part}",
            )
            for part in ("q", "k", "v")
        ]
        attended = graph.node(
            "MultiHeadAttention",
            [*projected, "", "lengths"],
            f"{name}.attended",
            domain="com.microsoft",
            num_heads=weights.heads,
        )
        mixed = graph.linear(attended, matrices[f"{name}.ao.w"], vectors[f"{name}.ao.b"], f"{name}.ao")
        state = graph.layer_norm(
            graph.node("Add", [state, mixed], f"{name}.sum1"),
            vectors[f"{name}.aln.w"],
            vectors[f"{name}.aln.b"],
            weights.epsilon,
            f"{name}.norm1",
        )
        inner = graph.linear(state, matrices[f"{name}.fi.w"], vectors[f"{name}.fi.b"], f"{name}.fi")
        inner = graph.node("Gelu", [inner], f"{name}.gelu", domain="com.microsoft")
        outer = graph.linear(inner, matrices[f"{name}.fo.w"], vectors[f"{name}.fo.b"], f"{name}.fo")
        last = layer == weights.layers - 1
        state = graph.layer_norm(
            graph.node("Add", [state, outer], f"{name}.sum2"),
            vectors[f"{name}.oln.w"],
            vectors[f"{name}.oln.b"],
            weights.epsilon,
            "hidden" if last else f"{name}.norm2",
        )
    inputs = _tensor_input("embedded", _FLOAT, ["texts", "tokens", width])
    lengths = _tensor_input("lengths", _INT32, ["texts"])
    output = _tensor_input("hidden", _FLOAT, ["texts", "tokens", width])
    body = (
        b"".join(_message(1, node) for node in graph.nodes)
        + _text(2, "e5")
        + b"".join(_message(5, tensor) for tensor in graph.tensors)
        + _message(11, inputs)
        + _message(11, lengths)
        + _message(12, output)
    )
    return (
        _number(1, _IR)
        + _text(2, "workside")
        + _message(7, body)
        + _message(8, _number(2, _OPSET))
        + _message(8, _text(1, "com.microsoft") + _number(2, 1))
    )


class _Graph:
    """Nodes and tensors in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []

    def node(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        *,
        domain: str = "",
        **attributes: float,
    ) -> str:
        encoded = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(3, output)
        encoded += _text(4, kind)
        for key, value in attributes.items():
            if isinstance(value, float):
                encoded += _message(5, _text(1, key) + _real(2, value) + _number(20, 1))
            else:
                encoded += _message(5, _text(1, key) + _number(3, value) + _number(20, 2))
        if domain:
            encoded += _text(7, domain)
        self.nodes.append(encoded)
        return output

    def tensor(self, name: str, values: npt.NDArray[np.float32] | npt.NDArray[np.uint8]) -> str:
        kind = _UINT8 if values.dtype == np.uint8 else _FLOAT
        shape = b"".join(_number(1, size) for size in values.shape)
        raw = np.ascontiguousarray(values).tobytes()
        self.tensors.append(shape + _number(2, kind) + _text(8, name) + _message(9, raw))
        return name

    def linear(
        self,
        source: str,
        matrix: FourBitMatrix,
        bias: npt.NDArray[np.float32],
        name: str,
    ) -> str:
        rows, columns = matrix.shape
        nibbles = matrix.nibbles()
        packed = (nibbles[:, :, 0::2] | (nibbles[:, :, 1::2] << 4)).astype(np.uint8)
        inputs = [
            source,
            self.tensor(f"{name}.b", packed),
            self.tensor(f"{name}.s", matrix.scales().reshape(-1)),
        ]
        # accuracy_level 4: activations in int8 for each block, which is also how the package's engine computes
        product = self.node(
            "MatMulNBits",
            inputs,
            f"{name}.product",
            domain="com.microsoft",
            K=columns,
            N=rows,
            bits=4,
            block_size=BLOCK,
            accuracy_level=4,
        )
        return self.node("Add", [product, self.tensor(f"{name}.bias", bias)], f"{name}.out")

    def layer_norm(
        self,
        source: str,
        scale: npt.NDArray[np.float32],
        shift: npt.NDArray[np.float32],
        epsilon: float,
        name: str,
    ) -> str:
        inputs = [
            source,
            self.tensor(f"{name}.scale", scale),
            self.tensor(f"{name}.shift", shift),
        ]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=float(epsilon))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _real(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())


def _tensor_input(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    dimensions = b"".join(
        _message(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape
    )
    return _text(1, name) + _message(2, _message(1, _number(1, kind) + _message(2, dimensions)))
