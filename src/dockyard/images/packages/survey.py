"""What lies in a step's directory: where installers left records, and which files can move.

The directory is a normalised upper directory that nobody else changes. What is in it is hostile:
nothing is followed, and what is read of it is bounded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

import msgspec

from dockyard.images.packages.model import Files

MOST_FILES = 200_000
"""More files than that are kept as one layer: to look at each takes memory."""

DIST_INFO = ".dist-info"
CONDA_META = "conda-meta"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = _READ | os.O_DIRECTORY


class Records(msgspec.Struct, frozen=True):
    """Directories in which installers keep their records, by path, shallow ones first."""

    dist_info: tuple[str, ...]
    conda_meta: tuple[str, ...]


def find_records(root: int, cancelled: Callable[[], bool]) -> Records:
    """Looks at names alone.

    Args:
        root: descriptor of the directory.
        cancelled: asked before each directory; where it says yes, the rest is left out.
    """
    wheels, conda = [], []
    for path, entries in _walk(root, cancelled):
        name = path.rpartition("/")[2]
        if name.endswith(DIST_INFO) and any(entry.name == "RECORD" for entry in entries):
            wheels.append(path)
        elif name == CONDA_META:
            conda.append(path)
    return Records(tuple(sorted(wheels, key=_depth)), tuple(sorted(conda, key=_depth)))


def survey(root: int, cancelled: Callable[[], bool]) -> Files | None:
    """What can move; ``None`` where it is too much to be looked at, or it is cancelled."""
    sizes: dict[str, int] = {}
    symlinks: set[str] = set()
    names: dict[int, list[str]] = {}
    fixed: set[str] = set()
    for directory, entries in _walk(root, cancelled):
        prefix = f"{directory}/" if directory else ""
        if not entries:
            fixed.add(directory)
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            path = prefix + entry.name
            if stat.S_ISREG(status.st_mode):
                sizes[path] = status.st_size
            elif stat.S_ISLNK(status.st_mode):
                symlinks.add(path)
            else:
                if not stat.S_ISDIR(status.st_mode):
                    fixed.add(directory)
                continue
            if status.st_nlink > 1:
                names.setdefault(status.st_ino, []).append(path)
        if len(sizes) + len(symlinks) > MOST_FILES:
            return None
    if cancelled():
        return None
    groups = tuple(tuple(sorted(group)) for group in names.values() if len(group) > 1)
    return Files(sizes=sizes, symlinks=symlinks, groups=groups, fixed=fixed)


def read(root: int, path: str, most: int) -> bytes | None:
    """The content of a regular file of at most ``most`` bytes; ``None`` for any other."""
    try:
        descriptor = os.open(path, _READ, dir_fd=root)
    except OSError:
        return None
    with open(descriptor, "rb", buffering=0) as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return None
        return stream.read()


def names_in(root: int, path: str) -> list[str]:
    """The names in a directory, sorted."""
    descriptor = os.open(path, _DIRECTORY, dir_fd=root)
    try:
        return sorted(os.listdir(descriptor))
    finally:
        os.close(descriptor)


def _walk(root: int, cancelled: Callable[[], bool]) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Each directory with its entries; the top is the empty path. Ends early when cancelled."""
    pending = [""]
    while pending and not cancelled():
        path = pending.pop()
        descriptor = os.open(path or ".", _DIRECTORY, dir_fd=root)
        try:
            with os.scandir(descriptor) as scan:
                entries = list(scan)
            prefix = f"{path}/" if path else ""
            pending += [
                prefix + entry.name for entry in entries if entry.is_dir(follow_symlinks=False)
            ]
            yield path, entries
        finally:
            os.close(descriptor)


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path
