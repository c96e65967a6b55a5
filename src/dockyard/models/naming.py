"""Where files of a model may lie in its directory. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dockyard.errors import HostileInput

_MOST_PATH = 1024
_MOST_NAME = 255
_MOST_DEPTH = 64
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Of terminals, ends of lines, and what turns around the text that follows: a name would be shown
as another."""


def check_path(path: str) -> str:
    """The path of a file, relative to the model's directory, as it is to be made.

    Raises:
        HostileInput: it leads out of the directory, or can't be the path of a file.
    """
    steps = path.removeprefix("./").split("/")
    if any(step in {"", ".", ".."} for step in steps):
        raise _hostile(path, "it doesn't stay in the model's directory")
    if _CONTROLS.search(path):
        raise _hostile(path, "it has control characters")
    try:
        lengths = [len(step.encode()) for step in steps]
    except UnicodeEncodeError:
        raise _hostile(path, "it is no text") from None
    if sum(lengths) + len(steps) > _MOST_PATH or max(lengths) > _MOST_NAME:
        raise _hostile(path, f"it is longer than {_MOST_PATH} bytes, or a name in it than 255")
    if len(steps) > _MOST_DEPTH:
        raise _hostile(path, f"it is deeper than {_MOST_DEPTH} directories")
    return "/".join(steps)


class Taken:
    """The paths of a model's files so far: no two may meet."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._directories: set[str] = set()

    def add(self, path: str) -> None:
        """Takes a path for a file.

        Raises:
            HostileInput: a file is there already, or it would have to be a directory too.
        """
        parents = _parents(path)
        if path in self._files or path in self._directories or self._files.intersection(parents):
            raise _hostile(path, "another file of the model has that place")
        self._files.add(path)
        self._directories.update(parents)

    def add_directory(self, path: str) -> None:
        """Takes a path for a directory, which may be there.

        Raises:
            HostileInput: a file is there.
        """
        every = {path, *_parents(path)}
        if self._files & every:
            raise _hostile(path, "another file of the model has that place")
        self._directories |= every


def check_paths(paths: Iterable[str]) -> None:
    """Refuses paths that meet; see :class:`Taken`."""
    taken = Taken()
    for path in paths:
        taken.add(path)


def _parents(path: str) -> list[str]:
    steps = path.split("/")
    return ["/".join(steps[:end]) for end in range(1, len(steps))]


def _hostile(path: str, why: str) -> HostileInput:
    shown = path if len(path) <= 200 else f"{path[:200]}..."
    return HostileInput(f"the model has a file {shown!r}: {why}", reference="bad-model-path")
