"""The model: text in, one vector of length 1 for each text out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from tokenizers import Tokenizer

from app.pooling import Floats, mean_pool

MAX_TOKENS: Final = 256  # what the model was trained to read; the rest of a text is cut
BATCH: Final = 4  # 256 tokens each still fit in 100 MB; larger ones are no faster on a CPU


@dataclass(frozen=True)
class Embeddings:
    """Vectors `[texts, 384]` in the order of the texts, and the tokens that were read."""

    vectors: Floats
    tokens: int


class Embedder:
    """all-MiniLM-L6-v2. Safe to call from several threads, but they share the same CPUs."""

    def __init__(self, directory: str, threads: int) -> None:
        """Load `model.onnx` and `tokenizer.json` from `directory`; takes about 0.3 seconds.

        The first inference is slower than all that follow, so it happens here.
        """
        self._tokenizer = _tokenizer(os.path.join(directory, "tokenizer.json"))
        self._session = _session(os.path.join(directory, "model.onnx"), threads)
        self.embed(["warm up"])

    def embed(self, texts: list[str]) -> Embeddings:
        """Embed at least one text. Texts of like length share a batch, so little is padding."""
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        tokens, parts = 0, []
        for start in range(0, len(texts), BATCH):
            batch = [texts[index] for index in by_length[start : start + BATCH]]
            part = self._embed_batch(batch)
            parts.append(part.vectors)
            tokens += part.tokens
        return Embeddings(np.concatenate(parts)[np.argsort(by_length)], tokens)

    def _embed_batch(self, texts: list[str]) -> Embeddings:
        encodings = self._tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        (hidden,) = self._session.run(
            ["last_hidden_state"],
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
        )
        return Embeddings(mean_pool(hidden, mask), int(mask.sum()))


def _tokenizer(path: str) -> Tokenizer:
    tokenizer: Tokenizer = Tokenizer.from_file(path)
    # The file asks for 128 tokens always: short texts padded to that, longer ones cut.
    tokenizer.no_padding()
    tokenizer.enable_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _session(path: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # An idle thread that spins burns the quota that the next request needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Both keep the memory of the largest batch for good.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
