"""What sort of file some bytes are, with Google's Magika."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from magika import Magika

from app.protocol import Tensor


class FileTypes:
    """Magika, as the protocol wants it."""

    name = "magika"
    platform = "onnx_onnxv1"
    takes = "content"
    gives: Sequence[Mapping[str, Any]] = (
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "mime_type", "datatype": "BYTES", "shape": [-1]},
        {"name": "score", "datatype": "FP32", "shape": [-1]},
    )

    def __init__(self) -> None:
        self._magika = Magika()
        self.infer([b"warm up"])

    def infer(self, items: list[bytes]) -> list[Tensor]:
        """A label such as `png` or `python`, its media type, and how sure that is."""
        found = [self._magika.identify_bytes(item) for item in items]
        shape = [len(found)]
        return [
            Tensor("label", "BYTES", shape, [str(one.output.label) for one in found]),
            Tensor("mime_type", "BYTES", shape, [str(one.output.mime_type) for one in found]),
            Tensor("score", "FP32", shape, [round(float(one.score), 4) for one in found]),
        ]


load = FileTypes
