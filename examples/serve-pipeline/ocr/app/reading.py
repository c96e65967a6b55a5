"""From a picture's bytes to the lines of text that are in it."""

from __future__ import annotations

import contextlib
import io
import math
import os
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError
from rapidocr import RapidOCR

MAX_PIXELS: Final = 20_000_000  # a page at 400 dpi; a small file may claim to be far more
FORMATS: Final = ("PNG", "JPEG", "WEBP")


class BadPicture(Exception):
    """What was sent is no picture that can be read; the text says why."""


@dataclass(frozen=True)
class Line:
    """A line of text, how sure that is (0 to 1), and its corners in pixels, clockwise."""

    text: str
    score: float
    box: list[list[int]]


class Reader:
    """Finds text; one call at a time, for each may use all threads."""

    def __init__(self) -> None:
        """Load the models, and run them once: the first time is slower than all that follow."""
        self._engine = RapidOCR(params={
            "Global.log_level": "warning",
            "EngineConfig.onnxruntime.intra_op_num_threads": _threads(),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        })  # fmt: skip
        self._engine(np.full((64, 256, 3), 255, dtype=np.uint8))

    def read(self, picture: bytes) -> list[Line]:
        """The lines from top to bottom; none where there is no text.

        Raises:
            BadPicture: it is none, or too large.
        """
        found = self._engine(_pixels(picture))
        if not getattr(found, "txts", None):
            return []
        lines = [
            Line(text, round(float(score), 4), np.asarray(box).round().astype(int).tolist())
            for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
        ]
        return sorted(lines, key=lambda line: (line.box[0][1], line.box[0][0]))


def _threads() -> int:
    """As many as the container's quota of CPUs (cgroup v2, or v1) keeps busy."""
    allowed = len(os.sched_getaffinity(0))
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        words: list[str] = []
        for name in names:
            with contextlib.suppress(OSError), open(f"/sys/fs/cgroup/{name}") as file:
                words += file.read().split()
        if len(words) == 2 and words[0].isdecimal():
            return max(1, min(allowed, math.ceil(int(words[0]) / int(words[1]))))
    return allowed


def _pixels(picture: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadPicture(f"the picture has more than {MAX_PIXELS} pixels")
            return np.asarray(image.convert("RGB"))[:, :, ::-1]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise BadPicture(f"the body is not a picture in {', '.join(FORMATS)}") from error
