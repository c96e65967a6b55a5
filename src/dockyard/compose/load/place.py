"""Where values come from: file, line and column of each path of a tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

Path = tuple[str | int, ...]
"""Keys and indices from the root of a tree: ``("services", "api", "ports", 0)``."""


class Place(msgspec.Struct, frozen=True):
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE: Final = Place("", 0, 0)


class Places(msgspec.Struct, frozen=True):
    """The places of a tree's values."""

    known: Mapping[Path, Place] = {}

    def find(self, path: Path) -> Place:
        """The place of a value, or of the nearest above it that has one."""
        while path not in self.known:
            if not path:
                return NOWHERE
            path = path[:-1]
        return self.known[path]


def dotted(path: Path) -> str:
    """A path as messages show it: ``services.api.ports[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
