"""Sentences to vectors, with all-MiniLM-L6-v2."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from app.cpu import thread_count
from app.model import Embedder
from app.protocol import Tensor

DIMENSIONS = 384


class MiniLM:
    """The embedder of examples/embeddings, as the protocol wants it."""

    name = "minilm"
    platform = "onnx_onnxv1"
    takes = "text"
    gives: Sequence[Mapping[str, Any]] = (
        {"name": "embedding", "datatype": "FP32", "shape": [-1, DIMENSIONS]},
    )

    def __init__(self) -> None:
        self._embedder = Embedder(os.environ["MODEL_DIR"], thread_count(os.environ))

    def infer(self, items: list[bytes]) -> list[Tensor]:
        """One vector of length 1 for each text."""
        vectors = self._embedder.embed([item.decode(errors="replace") for item in items]).vectors
        data = vectors.astype(float).round(6).ravel().tolist()
        return [Tensor("embedding", "FP32", list(vectors.shape), data)]


load = MiniLM
