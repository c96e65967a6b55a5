"""Pictures on a terminal that are drawn anew while something goes on, a line for each part."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.text import Text

_FRAMES_A_SECOND = 10
_MARGIN = 2

Told = TypeVar("Told")
Heard_contra = TypeVar("Heard_contra", contravariant=True)


class Row(Protocol[Heard_contra]):
    """What is known of one part."""

    def update(self, told: Heard_contra, now: float, /) -> None:
        """Takes what was told of it last."""


R = TypeVar("R", bound="Row[Any]")
Frame = Callable[[list[R], float, int, int], Iterable["Text"]]
"""The lines of a picture: of the rows, now, in so many columns and lines."""


class Board(Generic[Told, R]):
    """All parts in the order in which they were first told of; called from several threads.

    Args:
        key: what tells parts from each other.
        row: makes the row of a part that is new.
    """

    def __init__(
        self, console: Console, *, key: Callable[[Told], str], row: Callable[[Told, float], R],
        frame: Frame[R],
    ) -> None:  # fmt: skip
        self._console = console
        self._key = key
        self._row = row
        self._frame = frame
        self._rows: dict[str, R] = {}
        self._guard = threading.Lock()

    def __call__(self, told: Told) -> None:
        """Takes what is told."""
        now, key = time.monotonic(), self._key(told)
        with self._guard:
            row = self._rows.get(key)
            if row is None:
                self._rows[key] = self._row(told, now)
            else:
                row.update(told, now)

    def draw(self) -> Group:
        """The picture as it is now."""
        from rich.console import Group

        width, height = self._console.size
        with self._guard:
            rows = list(self._rows.values())
        return Group(
            *(self._frame(rows, time.monotonic(), width, height - _MARGIN) if rows else ())
        )


@contextlib.contextmanager
def shown(console: Console, draw: Callable[[], Group]) -> Iterator[None]:
    """Draws again and again; the last picture stays."""
    from rich.live import Live

    with Live(
        console=console, get_renderable=draw, refresh_per_second=_FRAMES_A_SECOND,
        redirect_stdout=False, redirect_stderr=False,
    ):  # fmt: skip
        yield
