"""How far a pull or a push has come: a bar for each blob on a terminal, else a line for each that
comes or goes. On standard error."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from dockyard.cli import drawing, render
from dockyard.cli.units import decimal_size
from dockyard.observability.transfers import ENDS, Listener, Phase, Transfer
from dockyard.oci import digest as digests

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WORDS: dict[Phase, str] = {
    "waiting": "Waiting", "exists": "Already exists", "downloading": "Downloading",
    "verifying": "Verifying Checksum", "extracting": "Extracting", "pulled": "Pull complete",
    "preparing": "Preparing", "compressing": "Compressing", "uploading": "Pushing",
    "present": "Layer already exists", "mounted": "Mounted", "pushed": "Pushed",
    "copying": "Copying", "copied": "Copied",
}  # fmt: skip
"""Docker's, as far as it has them."""
_PLAIN: frozenset[Phase] = ENDS
_BAR = 24
_LEAST_BAR = 4
_HEAD = 32
"""As wide as the widest title, so that all bars begin in one column."""
_MEASURED_SECONDS = 0.5


@contextlib.contextmanager
def shown(*, quiet: bool = False) -> Iterator[Listener | None]:
    """A listener that draws; ``None`` where ``quiet``."""
    if quiet:
        yield None
    elif not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield plain
    else:
        from rich.console import Console

        with bars(Console(stderr=True)) as listener:
            yield listener


def plain(transfer: Transfer) -> None:
    """Prints a line at the end of each blob's way, and where it is tried again."""
    if transfer.phase in _PLAIN or transfer.problem:
        render.write(f"{title(transfer)}\n")


def title(transfer: Transfer) -> str:
    """``0123456789ab: Mounted from library/python``. Pure."""
    words = WORDS[transfer.phase] + (f" {transfer.note}" if transfer.note else "")
    if transfer.problem:
        words = f"{_retry(transfer.retry_seconds)} ({transfer.problem})"
    return f"{digests.short(transfer.digest)}: {words}"


def _retry(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"Retrying in {whole} second{'' if whole == 1 else 's'}"


@contextlib.contextmanager
def bars(console: Console) -> Iterator[Listener]:
    """A listener that draws a picture, which stays as it is in the end."""
    board = Board(console)
    with drawing.shown(console, board.draw):
        yield board


class Row:
    """One blob, and how fast it goes."""

    def __init__(self, transfer: Transfer, now: float) -> None:
        self.transfer = transfer
        self._since = self._told = now
        self._before = _own(transfer)

    def update(self, transfer: Transfer, now: float) -> None:
        """What was told of it last; a new phase has a speed of its own."""
        if transfer.phase != self.transfer.phase:
            self._since, self._before = now, _own(transfer)
        self.transfer, self._told = transfer, now

    def speed(self, now: float) -> float | None:
        """Bytes a second, of those that came or went meanwhile; ``None`` where it isn't known."""
        seconds = now - self._since
        done = _own(self.transfer) - self._before
        return done / seconds if seconds >= _MEASURED_SECONDS and done > 0 else None

    def line(self, now: float, width: int) -> str:
        """See :func:`line`."""
        left = max(self.transfer.retry_seconds - (now - self._told), 0.0)
        shown = msgspec.structs.replace(self.transfer, retry_seconds=left)
        return line(shown, self.speed(now), width)


def _own(transfer: Transfer) -> int:
    return transfer.done - transfer.before


class Board(drawing.Board[Transfer, Row]):
    """All blobs in the order in which they were first told of."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, key=lambda one: one.digest, row=Row, frame=_frame)


def _frame(rows: list[Row], now: float, width: int, room: int) -> list[Text]:
    from rich.text import Text

    lines = picture(rows, now, width, room)
    return [Text(line, no_wrap=True, overflow="crop") for line in lines]


def picture(rows: list[Row], now: float, width: int, room: int) -> list[str]:
    """The lines of one frame. Pure.

    Args:
        room: lines that there are; where it is too little, those that are done go first, and the
            last line says how many are left out.
    """
    kept = rows
    if len(rows) > room:
        busy = [row for row in rows if row.transfer.phase not in {*ENDS, "waiting"}]
        done = sum(row.transfer.phase in ENDS for row in rows)
        kept = busy[: max(room - 1, 0)]
        return [
            *(row.line(now, width) for row in kept),
            f"{done} of {len(rows)} done"[:width],
        ]
    return [row.line(now, width) for row in kept]


def line(transfer: Transfer, speed: float | None, width: int) -> str:
    """``0123456789ab: Downloading [====>   ]  12MB/31MB  8MB/s  2s``. Pure.

    Args:
        speed: bytes a second; ``None`` where it isn't known.
    """
    head = title(transfer)
    if transfer.phase in ENDS or transfer.problem or not (transfer.done or transfer.total):
        return head[:width]
    amount = decimal_size(transfer.done)
    rate = "" if speed is None else f" {decimal_size(int(speed))}/s"
    if not transfer.total:
        return f"{head:<{_HEAD}} {amount}{rate}"[:width]
    share = min(transfer.done / transfer.total, 1.0)
    left = ""
    if speed is not None and share < 1:
        left = f" {_duration((transfer.total - transfer.done) / speed)}"
    figures = f"{amount:>7}/{decimal_size(transfer.total)}{rate}{left}"
    room = width - len(figures) - len(" [] ")
    if room - _HEAD >= _LEAST_BAR:
        head = head.ljust(_HEAD)
    bar = _bar(share, min(room - len(head), _BAR))
    return f"{head} {bar}{figures if bar else figures.strip()}"[:width]


def _bar(share: float, width: int) -> str:
    """None at all where it would say nothing."""
    if width < _LEAST_BAR:
        return ""
    filled = int(share * width)
    return f"[{('=' * filled + '>' * (filled < width)).ljust(width)}] "


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
