"""From one vector per token to one per sentence, and from those to similarities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def mean_pool(tokens: Floats, mask: NDArray[np.int64]) -> Floats:
    """Average the real tokens of each sentence and scale the result to length 1.

    Args:
        tokens: `[batch, sequence, dimensions]`, the model's last hidden state.
        mask: `[batch, sequence]`, 1 for a token and 0 for padding.

    Returns:
        `[batch, dimensions]`, so that a dot product is a cosine.
    """
    weights = mask[:, :, None].astype(np.float32)
    means = (tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    pooled: Floats = (means / np.maximum(lengths, 1e-12)).astype(np.float32)
    return pooled


def similarities(vectors: Floats) -> Floats:
    """Cosine of each pair: `[batch, dimensions]` of length 1 to `[batch, batch]` in [-1, 1]."""
    cosines: Floats = np.clip(vectors @ vectors.T, -1.0, 1.0)
    return cosines
