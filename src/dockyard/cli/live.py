"""A build's progress as a picture that is drawn anew, in BuildKit's style, on a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from dockyard.build.progress import Event
from dockyard.cli.progress import Step

_OUTPUT_LINES = 6
_FRAMES_A_SECOND = 10
_STYLES = {"running": "", "done": "blue", "cached": "blue", "failed": "red", "canceled": "yellow"}
_MARKS = {"cached": "CACHED ", "failed": "ERROR ", "canceled": "CANCELED "}


class LiveProgress:
    """Draws the steps; a context manager that leaves the last picture standing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[int, Step] = {}
        self._guard = threading.Lock()
        self._started = time.monotonic()
        self._over = False
        self._live = Live(
            console=console, get_renderable=self._draw, refresh_per_second=_FRAMES_A_SECOND
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over = True
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Takes an event of the build."""
        with self._guard:
            self._steps.setdefault(event.step, Step(event)).update(event)

    def finish(self, image_id: str, names: Sequence[str]) -> None:
        """Prints what was made, below the picture."""
        lines = [f" => writing image {image_id}", *(f" => naming to {name}" for name in names)]
        self._live.console.print(Text("\n".join(lines), style="blue"), soft_wrap=True)

    def _draw(self) -> Group:
        width, height = self._console.size
        with self._guard:
            steps = sorted(self._steps.values(), key=lambda step: step.number)
            room = len(steps) * (_OUTPUT_LINES + 1) if self._over else max(height - 2, 1)
            return Group(*picture(steps, time.monotonic(), self._started, width, room, self._over))


def picture(
    steps: Sequence[Step], now: float, started: float, width: int, room: int, over: bool
) -> list[Text]:
    """The lines of one frame. Pure.

    Args:
        now: seconds of the clock that the events use, as ``started``.
        width: columns.
        room: lines below the first one; steps that ended go first where there are more.
    """
    ended = sum(step.over and step.state != "failed" for step in steps)
    title = f"[+] Building {now - started:.1f}s ({ended}/{len(steps)})"
    blocks = [_block(step, now, width) for step in steps]
    shown = {step.number for step in steps}
    for step, block in sorted(zip(steps, blocks, strict=True), key=lambda pair: not pair[0].over):
        if sum(len(one) for one, each in zip(blocks, steps, strict=True)
               if each.number in shown) <= room:  # fmt: skip
            break
        if block:
            shown.discard(step.number)
    finished = over and ended == len(steps)
    lines = [Text(f"{title} FINISHED" if finished else title)]
    for step, block in zip(steps, blocks, strict=True):
        lines += block if step.number in shown else []
    return lines


def _block(step: Step, now: float, width: int) -> list[Text]:
    """A step's line, with its time at the right margin, and what it printed last."""
    seconds = f"{step.seconds(now):.1f}s"
    head = f" => {_MARKS.get(step.state, '')}{step.name.splitlines()[0] if step.name else ''}"
    space = max(width - len(seconds) - 1, 8)
    head = head if len(head) <= space else head[: space - 1] + "…"
    lines = [Text(f"{head:<{space}} {seconds}", style=_STYLES[step.state], no_wrap=True)]
    if not step.over:
        for line in list(step.lines)[-_OUTPUT_LINES:]:
            text = f" => => # {line.partition(' ')[2]}"
            lines.append(Text(text[:width], style="dim", no_wrap=True))
    return lines
