"""How far a work with many bytes has come: a line on a terminal, which goes in the end."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping

from dockyard.cli import render
from dockyard.cli.table import ellipsis
from dockyard.cli.units import decimal_size
from dockyard.observability.progress import Listener, Progress, Stage

_PATIENCE_SECONDS = 1.0
"""What is done by then shows nothing."""
_FRAME_SECONDS = 0.1
_MEASURED_SECONDS = 0.5
"""A speed that was seen for less says nothing."""
_START_OF_LINE, _CLEAR = "\r", "\x1b[K"
_OF_NOTHING: Mapping[Stage, str] = {}


@contextlib.contextmanager
def shown(
    words: Mapping[Stage, str] = _OF_NOTHING, *, quiet: bool = False
) -> Iterator[Listener | None]:
    """A listener that draws on standard error; ``None`` where that is no terminal, or ``quiet``.

    Args:
        words: what to call stages, other than by their own names.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    drawn = Drawn(words)
    try:
        yield drawn
    finally:
        drawn.clear()


class Drawn:
    """One line that is drawn over itself, not before a second has passed."""

    def __init__(self, words: Mapping[Stage, str]) -> None:
        self._words = words
        self._next = time.monotonic() + _PATIENCE_SECONDS
        self._stage: Stage | None = None
        self._since = 0.0
        self._before = 0
        self._visible = False

    def __call__(self, progress: Progress) -> None:
        """Takes what an engine tells."""
        now = time.monotonic()
        if progress.stage != self._stage:
            self._stage, self._since, self._before = progress.stage, now, progress.done
        if now < self._next:
            return
        self._next = now + _FRAME_SECONDS
        seconds = now - self._since
        speed = (progress.done - self._before) / seconds if seconds > _MEASURED_SECONDS else None
        word = self._words.get(progress.stage, progress.stage.capitalize())
        text = ellipsis(line(word, progress, speed), max(_columns() - 1, 1))
        render.write(f"{_START_OF_LINE}{text}{_CLEAR}")
        self._visible = True

    def clear(self) -> None:
        """Takes the line away."""
        if self._visible:
            render.write(f"{_START_OF_LINE}{_CLEAR}")
            self._visible = False


def line(word: str, progress: Progress, speed: float | None) -> str:
    """``Copying to container - 1.2GB / 3GB (400MB/s)``. Pure.

    Args:
        speed: bytes a second; ``None`` where it isn't known yet.
    """
    total = "" if progress.total is None else f" / {decimal_size(progress.total)}"
    rate = "" if speed is None else f" ({decimal_size(int(speed))}/s)"
    return f"{word} - {decimal_size(progress.done)}{total}{rate}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
