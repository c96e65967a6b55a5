"""The files of a log: the one that is written, and those before it.

The monitor writes ``container.log``. When it is full it becomes ``container.log.N``, and a file
with a higher number is a later one; compressed, it ends in ``.gz``. Numbers are never given twice
while a file is kept, so that a reader knows where it is.
"""

from __future__ import annotations

import os

_COMPRESSED = ".gz"
_UNFINISHED = ".new"


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


def unfinished(path: str) -> str:
    """Where what replaces a complete file is written; left by whoever was killed meanwhile."""
    return path + _UNFINISHED


def left_unfinished(log: str) -> list[str]:
    """What was left so."""
    directory, _, name = log.rpartition("/")
    return [f"{directory}/{each}" for each in os.listdir(directory)
            if each.startswith(f"{name}.") and each.endswith(_UNFINISHED)]  # fmt: skip
