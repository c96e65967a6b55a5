"""Progress of work on a project: a picture on a terminal, else a line or JSON for each step.

On standard error, in Docker Compose's words.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockyard.cli import drawing, render
from dockyard.cli.compose.flags import Flags
from dockyard.cli.units import decimal_size
from dockyard.cli.visible import on_one_line
from dockyard.compose.progress import Listener, Step, silent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

DRY_RUN = " DRY-RUN MODE - "
_STYLES = {"working": "", "done": "green", "warning": "yellow", "error": "red"}
_MARKS = {"done": "✔", "warning": "!", "error": "✘"}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPIN_SECONDS = 0.1


@contextlib.contextmanager
def shown(title: str, flags: Flags) -> Iterator[Listener]:
    """A listener that shows what it hears, as the flags want it.

    Args:
        title: what is done, such as ``Stopping``.
    """
    match _mode(flags):
        case "quiet":
            yield silent
        case "json":
            yield Lines(lambda step: json_line(step, dry_run=flags.dry_run))
        case "tty":
            from rich.console import Console

            console = Console(stderr=True, force_terminal=flags.progress == "tty" or None)
            board = Board(console, title, dry_run=flags.dry_run)
            with drawing.shown(console, board.draw):
                yield board
        case _:
            yield Lines(lambda step: plain_line(step, dry_run=flags.dry_run))


def _mode(flags: Flags) -> str:
    if flags.progress != "auto":
        return flags.progress
    drawn = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return "tty" if drawn and not os.environ.get("NO_COLOR") else "plain"


class Lines:
    """Writes a line for each step, but not for each byte of it."""

    def __init__(self, line: Callable[[Step], str]) -> None:
        self._line = line
        self._last: dict[str, Step] = {}
        self._guard = threading.Lock()

    def __call__(self, step: Step) -> None:
        """Takes what is told."""
        bare = replace(step, done=0, total=0)
        with self._guard:
            if self._last.get(step.id) == bare:
                return
            self._last[step.id] = bare
            render.write(self._line(bare))


def plain_line(step: Step, *, dry_run: bool = False) -> str:
    """`` Container demo-api-1  Stopping``. Pure."""
    words = f"{DRY_RUN if dry_run else ''} {step.id} {step.text} {step.status}"
    return f"{on_one_line(words.rstrip())}\n"


def json_line(step: Step, *, dry_run: bool = False) -> str:
    """The step as JSON; what is empty is left out. Pure."""
    fields = {"dry-run": dry_run, "id": step.id, "text": step.text, "status": step.status}
    present = {key: value for key, value in fields.items() if value}
    return json.dumps(present, separators=(",", ":")) + "\n"


class Row:
    """One thing that is worked on."""

    def __init__(self, step: Step, now: float) -> None:
        self.step = step
        self._began = now
        self._ended = now if step.over else None

    def update(self, step: Step, now: float) -> None:
        """What was told of it last."""
        if step.over and not self.step.over:
            self._ended = now
        elif not step.over:
            self._ended = None
        self.step = step

    def seconds(self, now: float) -> float:
        """How long it has taken."""
        return (now if self._ended is None else self._ended) - self._began


class Board(drawing.Board[Step, Row]):
    """Everything that is worked on, in the order in which it was first told of."""

    def __init__(self, console: Console, title: str, *, dry_run: bool = False) -> None:
        def frame(rows: list[Row], now: float, width: int, room: int) -> list[Text]:
            return picture(rows, title, now, width, room, dry_run=dry_run)

        super().__init__(console, key=lambda step: step.id, row=Row, frame=frame)


def picture(
    rows: Sequence[Row], title: str, now: float, width: int, room: int, *, dry_run: bool = False
) -> list[Text]:
    """The lines of one frame. Pure.

    Args:
        room: lines below the first one; what is done makes room for what isn't.
    """
    from rich.text import Text

    done = sum(row.step.over for row in rows)
    head = Text(f"[+] {title} {done}/{len(rows)}", style="blue" if done == len(rows) else "")
    kept = list(rows)
    for row in rows:
        if len(kept) > room and row.step.state == "done":
            kept.remove(row)
    longest = max((len(f"{row.step.id} {row.step.text}") for row in kept), default=0)
    prefix = DRY_RUN if dry_run else " "
    return [head, *(_line(row, now, width, longest, prefix) for row in kept[:room])]


def _line(row: Row, now: float, width: int, longest: int, prefix: str) -> Text:
    from rich.text import Text

    step, seconds = row.step, row.seconds(now)
    mark = _MARKS.get(step.state) or _SPINNER[int(seconds / _SPIN_SECONDS) % len(_SPINNER)]
    style = _STYLES[step.state]
    words = on_one_line(f"{step.id} {step.text}").ljust(longest)
    timer = f"{seconds:.1f}s "
    line = Text(" ")
    line.append(mark, style=style)
    line.append(f"{prefix}{words} ")
    line.append(on_one_line(f"{step.status} {_amount(step)}".strip()), style=style)
    line.truncate(max(width - len(timer) - 1, 1), pad=True)
    line.append(f" {timer}", style="blue")
    line.no_wrap = True
    return line


def _amount(step: Step) -> str:
    """``12MB / 31MB``; empty where no bytes are counted."""
    return f"{decimal_size(step.done)} / {decimal_size(step.total)}" if step.total else ""
