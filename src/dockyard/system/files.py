"""Writing and removing files in ways that survive a crash."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator

from dockyard.system import syscalls

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BENEATH = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_PAUSE_SECONDS = 0.002
_NAMES_AT_ONCE = 15
"""So many names, of 255 bytes at most, fit a path that the kernel takes."""


def write_atomically(
    path: str, data: bytes, *, mode: int = 0o600, durable: bool = True,
    owner: tuple[int, int] | None = None,
) -> None:  # fmt: skip
    """Replaces ``path`` by ``data``: a reader sees the old content or the new, never half.

    The data is on disk before the name points to it; not ``durable`` is what no boot but this
    one reads.

    Args:
        owner: the file's user and group, where that isn't this process's and it may give it away.
    """
    temporary = f"{path}.{os.urandom(8).hex()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            if owner is not None:
                with contextlib.suppress(PermissionError):
                    os.fchown(descriptor, *owner)
            if durable:
                os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def sync(path: str) -> None:
    """Brings a file, or the names in a directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: str, *, errors: str = "replace") -> str:
    """The text of a file; empty where it has gone, or can't be read now.

    Args:
        errors: what becomes of bytes that are no UTF-8; see :func:`open`.
    """
    try:
        with open(path, encoding="utf-8", errors=errors) as stream:
            return stream.read()
    except OSError:
        return ""


def remove_tree(path: str) -> None:
    """Removes a directory and all below it, on one filesystem, never through a symlink.

    Works for any depth with few descriptors: a directory that isn't empty is moved up to the top
    and emptied there, or where it is if it can't be moved, as those of an overlay's lower layers.
    Missing is fine. What is mounted below stays, and raises ``EBUSY``.
    """
    try:
        top = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            os.unlink(path)
            return
        raise
    try:
        device = os.fstat(top).st_dev
        pending = _empty(top, "", device)
        while pending:
            inner = pending[-1]
            left = _empty(top, inner, device)
            if not any(child.startswith(f"{inner}/") for child in left):
                pending.pop()
                _remove_empty(top, inner)
            pending += left
    finally:
        os.close(top)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(path)


def remove_tree_in_use(path: str, seconds: float) -> None:
    """As :func:`remove_tree`, while somebody who is about to end may still put files there.

    Raises:
        OSError: ``ENOTEMPTY``, where that went on for so long.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return remove_tree(path)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def open_below(top: int, path: str) -> int:
    """Opens a directory below another one, at any depth, without following a symlink.

    ``path`` is relative, of plain names; the empty path is the directory itself.
    """
    names = path.split("/") if path else ["."]
    descriptor = top
    for start in range(0, len(names), _NAMES_AT_ONCE):
        piece = "/".join(names[start : start + _NAMES_AT_ONCE])
        try:
            below = syscalls.openat2(descriptor, piece, _DIRECTORY, resolve=_BENEATH)
        finally:
            if descriptor != top:
                os.close(descriptor)
        descriptor = below
    return descriptor


@contextlib.contextmanager
def opened_below(top: int, path: str) -> Iterator[int | None]:
    """As :func:`open_below`; ``None`` where somebody took the directory away or replaced it."""
    try:
        descriptor = open_below(top, path)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove_empty(top: int, path: str) -> None:
    parent, _, name = path.rpartition("/")
    with contextlib.suppress(FileNotFoundError):
        descriptor = open_below(top, parent)
        try:
            os.rmdir(name, dir_fd=descriptor)
        finally:
            os.close(descriptor)


def _empty(top: int, path: str, device: int) -> list[str]:
    """Unlinks what a directory has, and moves its directories to the top; their paths then."""
    try:
        directory = open_below(top, path)
    except FileNotFoundError:
        return []
    try:
        with os.scandir(directory) as scan:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in scan]
        left = []
        for name, is_directory in entries:
            with contextlib.suppress(FileNotFoundError):
                if not is_directory:
                    os.unlink(name, dir_fd=directory)
                elif os.stat(name, dir_fd=directory, follow_symlinks=False).st_dev != device:
                    raise OSError(errno.EBUSY, "another filesystem is mounted there", name)
                else:
                    left.append(_move_up(top, path, directory, name))
    finally:
        os.close(directory)
    return left


def _move_up(top: int, path: str, directory: int, name: str) -> str:
    """Where a subdirectory is afterwards: at the top, or in its place if it can't be moved."""
    place = f".{os.urandom(8).hex()}"
    try:
        os.rename(name, place, src_dir_fd=directory, dst_dir_fd=top)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return f"{path}/{name}" if path else name
    return place


def tree_size(path: str) -> int:
    """Bytes of the regular files below ``path``, each inode once; never through a symlink.

    What goes away meanwhile, as in a container that runs, doesn't count.
    """
    total = 0
    seen: set[int] = set()
    for status in _statuses(path):
        if not stat.S_ISREG(status.st_mode) or status.st_ino in seen:
            continue
        if status.st_nlink > 1:
            seen.add(status.st_ino)
        total += status.st_size
    return total


def _statuses(path: str) -> Iterator[os.stat_result]:
    """What ``lstat`` says of everything below a directory; nothing where it is missing."""
    try:
        top = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return
    pending = [""]
    try:
        while pending:
            inner = pending.pop()
            with opened_below(top, inner) as directory:
                for name in () if directory is None else os.listdir(directory):
                    with contextlib.suppress(FileNotFoundError):
                        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                        if stat.S_ISDIR(status.st_mode):
                            pending.append(f"{inner}/{name}" if inner else name)
                        yield status
    finally:
        os.close(top)
