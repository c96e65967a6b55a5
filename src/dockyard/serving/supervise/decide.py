"""How long to wait before a program that ended is started again. Pure."""

from __future__ import annotations

from typing import Final

SETTLED: Final = 10.0
"""Seconds after which a program's end isn't the start's fault any more."""
_FIRST: Final = 0.1
_MOST: Final = 30.0


def failures(before: int, lived: float) -> int:
    """Ends in a row that came soon after the start, with the one of a run of ``lived`` seconds."""
    return 0 if lived >= SETTLED else before + 1


def delay(count: int) -> float:
    """Seconds before the next start: none the first time, then twice as long each time."""
    return 0.0 if count <= 1 else min(_FIRST * 2 ** min(count - 2, 20), _MOST)
