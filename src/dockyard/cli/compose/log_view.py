"""Lines of several containers with the containers' names before them, each in a colour."""

from __future__ import annotations

import itertools
from collections.abc import Collection

from dockyard.compose.logs import WATCH, Line

_COLOURS = ("36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1")
"""Docker Compose's, in its order (parameters of ECMA-48's SGR)."""
_WATCH_COLOUR = "92"


class LogView:
    """Turns lines into text; names that come later make the first column wider.

    Args:
        names: of the containers that are known.
        colour: paint the names.
        prefix: write them at all.
        timestamps: write each line's time.
    """

    def __init__(
        self, names: Collection[str] = (), *, colour: bool, prefix: bool = True,
        timestamps: bool = False,
    ) -> None:  # fmt: skip
        self._colour = colour
        self._prefix = prefix
        self._timestamps = timestamps
        self._next = itertools.cycle(_COLOURS)
        self._colours: dict[str, str] = {}
        self._width = 0
        for name in names:
            self._know(name)

    def text(self, line: Line) -> bytes:
        """The line as it is printed, with its end."""
        self._know(line.container)
        if line.kind == "status":
            return self._paint(line.container, f"{line.container} {line.text.decode()}") + b"\n"
        moment = f"{line.time} ".encode() if self._timestamps and line.time else b""
        return self._head(line.container) + moment + line.text + b"\n"

    def _head(self, name: str) -> bytes:
        if not self._prefix:
            return b""
        if name == WATCH:
            return self._paint(name, f"{' ' * self._width} ⦿ ")
        return self._paint(name, f"{name:<{self._width}} | ")

    def _know(self, name: str) -> None:
        if name not in self._colours:
            self._colours[name] = _WATCH_COLOUR if name == WATCH else next(self._next)
            if name != WATCH:
                self._width = max(self._width, len(name) + 1)

    def _paint(self, name: str, text: str) -> bytes:
        if not self._colour:
            return text.encode()
        return f"\x1b[{self._colours[name]}m{text}\x1b[0m".encode()
