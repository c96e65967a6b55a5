"""What to rename so that parts become layers: whole directories where all of one goes along. Pure.

A rename takes a tenth of a millisecond, and a package is thousands of files in few directories.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from dockyard.images.packages.model import Files, Part

_UNKNOWN, _STAYS, _MIXED = -1, -2, -3


def renames(files: Files, parts: Sequence[Part]) -> tuple[tuple[str, ...], ...]:
    """For each part the paths to rename: files, and directories that hold nothing else."""
    holders = _holders(files, parts)
    return tuple(
        tuple(sorted({_top(path, number, holders) for path in part.paths}))
        for number, part in enumerate(parts)
    )


def depth(path: str) -> int:
    """How many directories lead to it; the top, an empty path, has none above it."""
    return path.count("/") + 1 if path else 0


def _holders(files: Files, parts: Sequence[Part]) -> dict[str, int]:
    """For each directory the number of the one part that has all of it."""
    places = {path: number for number, part in enumerate(parts) for path in part.paths}
    holders = {"": _MIXED}
    for path in files.fixed:
        _note(holders, path, _STAYS)
    for path in (*files.sizes, *files.symlinks):
        _note(holders, posixpath.dirname(path), places.get(path, _STAYS))
    for path in tuple(holders):
        for each in _above(path):
            holders.setdefault(each, _UNKNOWN)
    for path in sorted(holders, key=depth, reverse=True):
        _note(holders, posixpath.dirname(path), holders[path])
    return holders


def _note(holders: dict[str, int], path: str, number: int) -> None:
    before = holders.get(path, _UNKNOWN)
    holders[path] = number if before in {_UNKNOWN, number} else _MIXED


def _above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _top(path: str, number: int, holders: dict[str, int]) -> str:
    """The highest directory above a file that goes with it as a whole, or the file."""
    while holders[above := posixpath.dirname(path)] == number:
        path = above
    return path
