"""How far a batch is: a line on standard error, where that is a terminal, which goes in the end."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

from dockyard.batch.apply import Listener
from dockyard.batch.model import Progress
from dockyard.cli import render
from dockyard.cli.table import ellipsis

_FRAME_SECONDS = 0.2
_MEASURED_SECONDS = 1.0
_START_OF_LINE, _CLEAR = "\r", "\x1b[K"
_BAR = 20


def _nowhere(_progress: Progress) -> None:
    """Nothing is drawn."""


@contextlib.contextmanager
def shown(*, quiet: bool = False) -> Iterator[Listener]:
    """A listener that draws; one that does nothing where there is no terminal, or ``quiet``."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _nowhere
        return
    drawn = Drawn()
    try:
        yield drawn
    finally:
        drawn.clear()


class Drawn:
    """One line that is drawn over itself."""

    def __init__(self) -> None:
        self._next = 0.0
        self._visible = False

    def __call__(self, progress: Progress) -> None:
        """Takes what a batch tells."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _FRAME_SECONDS
        text = ellipsis(line(progress), max(_columns() - 1, 1))
        render.write(f"{_START_OF_LINE}{text}{_CLEAR}")
        self._visible = True

    def clear(self) -> None:
        """Takes the line away."""
        if self._visible:
            render.write(f"{_START_OF_LINE}{_CLEAR}")
            self._visible = False


def line(progress: Progress) -> str:
    """``[=====>    ] 41200/100000, 3 rejected, 1830/s, 0:32 left, 4 at work``. Pure."""
    if progress.splitting:
        return f"Reading records: {progress.total}"
    counts, total = progress.counts, max(progress.total, 1)
    filled = _BAR * counts.settled // total
    bar = f"{'=' * filled}{'>' if filled < _BAR else ''}".ljust(_BAR)
    parts = [f"[{bar}] {counts.settled}/{progress.total}"]
    if counts.rejected:
        parts.append(f"{counts.rejected} rejected")
    speed = rate(progress)
    if speed:
        left = (total - counts.settled) / speed
        parts += [f"{speed:.0f}/s" if speed >= 10 else f"{speed:.1f}/s", f"{clock(left)} left"]
    parts.append(f"{progress.containers} at work")
    return ", ".join(parts)


def rate(progress: Progress) -> float | None:
    """Records a second in this run; ``None`` where it isn't known yet."""
    fresh = progress.counts.settled - progress.resumed
    if progress.seconds < _MEASURED_SECONDS or fresh <= 0:
        return None
    return fresh / progress.seconds


def clock(seconds: float) -> str:
    """``0:32``, ``1:02:03``."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    tail = f"{whole % 60:02}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
