"""Moves files of a step's directory into the directories of several layers, by rename.

Each layer repeats the directories that lead to its files, with the metadata that they have: owner,
mode, extended attributes, times. So whichever layer lies uppermost, the mounted tree is the same.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from dockyard.images import xattrs
from dockyard.images.packages.moves import depth

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Metadata(msgspec.Struct, frozen=True, gc=False):
    """What a directory is besides its content; times are access and change, in nanoseconds."""

    mode: int
    owner: tuple[int, int]
    times: tuple[int, int]
    attributes: tuple[tuple[str, bytes], ...]


def move(root: int, renames: Sequence[Sequence[str]], place: str) -> tuple[str, ...]:
    """Makes a directory for each layer, with what goes there.

    Directories that only led to what was moved are gone afterwards; all others have the times that
    they had. Where this is interrupted, both places hold garbage, and the caller removes them.

    Args:
        root: descriptor of the step's directory, which nobody else changes.
        renames: for each layer the paths of files and whole directories.
        place: an empty directory on the same filesystem.

    Returns:
        The directories, in the same order.
    """
    known: dict[str, _Metadata] = {}
    made = []
    for number, paths in enumerate(renames):
        directory = f"{place}/{number}"
        os.mkdir(directory, 0o700)
        _fill(root, directory, paths, known)
        made.append(directory)
    for path in sorted(known, key=depth, reverse=True):
        if path and _is_empty_now(root, path):
            continue
        with _opened(root, path) as descriptor:
            os.utime(descriptor, ns=known[path].times)
    return tuple(made)


def _fill(root: int, directory: str, paths: Sequence[str], known: dict[str, _Metadata]) -> None:
    target = os.open(directory, _DIRECTORY)
    try:
        directories = _directories(paths)
        for path in directories:
            if path not in known:
                known[path] = _metadata(root, path)
            if path:
                os.mkdir(path, 0o700, dir_fd=target)
        for path in paths:
            os.rename(path, path, src_dir_fd=root, dst_dir_fd=target)
        for path in directories:
            _give(target, path, known[path])
    finally:
        os.close(target)


def _directories(paths: Iterable[str]) -> list[str]:
    """The directories that lead to paths, parents first; the top is the empty path."""
    found = {""}
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return sorted(found, key=depth)


def _metadata(root: int, path: str) -> _Metadata:
    with _opened(root, path) as descriptor:
        status = os.fstat(descriptor)
        names = [name for name in os.listxattr(descriptor) if xattrs.is_content(name)]
        return _Metadata(
            mode=stat.S_IMODE(status.st_mode),
            owner=(status.st_uid, status.st_gid),
            times=(status.st_atime_ns, status.st_mtime_ns),
            attributes=tuple((name, os.getxattr(descriptor, name)) for name in names),
        )


def _give(root: int, path: str, metadata: _Metadata) -> None:
    """Owner first, which clears bits of the mode; times last, which all else changes."""
    with _opened(root, path) as descriptor:
        os.fchown(descriptor, *metadata.owner)
        os.fchmod(descriptor, metadata.mode)
        for name, value in metadata.attributes:
            os.setxattr(descriptor, name, value)
        os.utime(descriptor, ns=metadata.times)


def _is_empty_now(root: int, path: str) -> bool:
    """Removes a directory if all that it held was moved."""
    try:
        os.rmdir(path, dir_fd=root)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        return False
    return True


@contextlib.contextmanager
def _opened(root: int, path: str) -> Iterator[int]:
    descriptor = os.open(path or ".", _DIRECTORY, dir_fd=root)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
