"""A build's progress as plain lines, in BuildKit's style; and what renderers keep of a step."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Literal, Self

from dockyard.build.progress import Event
from dockyard.cli.visible import visible

_KEPT_LINES = 20
_CONTROL = dict.fromkeys((*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0)))
"""Control characters but the tab."""
_LONGEST_LINE = 1 << 16
"""Bytes; a step that never ends its line gets it cut, so that it doesn't fill the memory."""
_ENDED = {"cached": "CACHED", "failed": "ERROR", "canceled": "CANCELED"}

State = Literal["running", "done", "cached", "failed", "canceled"]


class Step:
    """One step as far as it is known: its state and the last lines that it printed."""

    def __init__(self, event: Event) -> None:
        self.number = event.step
        self.name = visible(event.name)
        self.state: State = "running"
        self.started = event.time
        self.ended: float | None = None
        self.remark = ""
        self.lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        """Seconds since the start, and text."""
        self._rest = b""

    @property
    def over(self) -> bool:
        return self.state != "running"

    def seconds(self, now: float) -> float:
        """How long it has taken, or took."""
        return max(0.0, (now if self.ended is None else self.ended) - self.started)

    def update(self, event: Event) -> list[str]:
        """Takes an event; the lines of output that it completed."""
        if event.kind == "output":
            *complete, self._rest = (self._rest + event.data).split(b"\n")
            if len(self._rest) > _LONGEST_LINE:
                complete, self._rest = [*complete, self._rest], b""
            return self._keep(complete, event.time)
        if event.kind == "started":
            return []
        if event.kind == "warning":  # of no step
            return []
        last = self._keep([self._rest] if self._rest else [], event.time)
        self._rest = b""
        self.state, self.ended = event.kind, event.time
        self.remark = visible(event.data.decode(errors="replace"))
        return last

    def _keep(self, lines: Sequence[bytes], now: float) -> list[str]:
        found = [f"{self.seconds(now):.3f} {_clean(line)}".rstrip() for line in lines]
        self.lines.extend(found)
        return found


class PlainProgress:
    """Prints a line for everything that happens.

    Args:
        write: gets whole lines of text.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._steps: dict[int, Step] = {}
        self._shown: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is left to draw."""

    def __call__(self, event: Event) -> None:
        """Takes an event of the build."""
        step = self._steps.setdefault(event.step, Step(event))
        lines = step.update(event)
        text = "".join(f"#{step.number} {line}\n" for line in lines)
        if step.over:
            text += self._end(step)
        if text or event.kind == "started":
            self._write(self._turn_to(step) + text)

    def finish(self, image_id: str, names: Sequence[str]) -> None:
        """Prints what was made."""
        number = max(self._steps, default=0) + 1
        lines = ["exporting to image", f"writing image {image_id} done"]
        lines += [f"naming to {name} done" for name in names]
        lines.append("DONE")
        self._write("\n" + "".join(f"#{number} {line}\n" for line in lines))

    def _turn_to(self, step: Step) -> str:
        """The header that introduces lines of another step than the last one."""
        if self._shown == step.number:
            return ""
        before = None if self._shown is None else self._steps.get(self._shown)
        left = "" if before is None else "\n"
        if before is not None and not before.over:
            left = f"#{before.number} ...\n\n"
        self._shown = step.number
        return f"{left}#{step.number} {step.name}\n"

    def _end(self, step: Step) -> str:
        number = f"#{step.number}"
        if step.state in _ENDED:
            return f"{number} {_ENDED[step.state]}\n"
        remark = f"{number} {step.remark}\n" if step.remark else ""
        return f"{remark}{number} DONE {step.seconds(0):.1f}s\n"


def _clean(line: bytes) -> str:
    """What of a line stays visible on a terminal, without what could control one."""
    text = line.decode(errors="replace").rstrip("\r").rpartition("\r")[2]
    return text.translate(_CONTROL)
