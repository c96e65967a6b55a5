"""The files of a log: the one that is written, and those before it.

The monitor writes ``container.log``. When it is full it becomes ``container.log.N``, and a file
with a higher number is a later one; compressed, it ends in ``.gz``. Numbers are never given twice
while a file is kept, so that a reader knows where it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

_COMPRESSED = ".gz"


def complete(log: str, number: int) -> str:
    """The path of a file that is complete, beside the one that is written."""
    return f"{log}.{number}"


def is_compressed(path: str) -> bool:
    """Whether a complete file is compressed."""
    return path.endswith(_COMPRESSED)


def compressed(path: str) -> str:
    """Where a complete file is compressed to."""
    return path + _COMPRESSED


def numbered(log: str) -> dict[int, str]:
    """The complete files by number, oldest first; of one being compressed the original."""
    directory, _, name = log.rpartition("/")
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return {}
    found: dict[int, str] = {}
    for each in sorted(names, key=len, reverse=True):  # the plain name after the compressed one
        text = each.removeprefix(f"{name}.").removesuffix(_COMPRESSED)
        if each.startswith(f"{name}.") and text.isascii() and text.isdecimal():
            found[int(text)] = f"{directory}/{each}"
    return dict(sorted(found.items()))


def following(log: str) -> int:
    """The number that the file that is written will get."""
    return max(numbered(log), default=0) + 1


def obsolete(numbers: Iterable[int], max_files: int) -> Sequence[int]:
    """The complete files that are too many, beside the one that is written. Pure."""
    kept = max(max_files - 1, 0)
    found = sorted(numbers)
    return found[: max(len(found) - kept, 0)]


def excess(sizes: Mapping[int, int], budget: int) -> dict[int, int]:
    """Which complete files are too much, and how many bytes to keep of each. Pure.

    Args:
        sizes: bytes by number; the latest files are kept whole as long as there is room.
        budget: bytes for all of them.
    """
    cut = {}
    for number, size in sorted(sizes.items(), reverse=True):
        if size > budget:
            cut[number] = budget
        budget = max(budget - size, 0)
    return cut
