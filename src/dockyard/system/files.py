"""Writing and removing files in ways that survive a crash."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_atomically(path: str, data: bytes, *, mode: int = 0o600) -> None:
    """Replaces ``path`` by ``data``: a reader sees the old content or the new, never half.

    The data is on disk before the name points to it.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def remove_tree(path: str) -> None:
    """Removes a directory and all below it, on one filesystem, never through a symlink.

    Works for any depth with two descriptors: a directory that isn't empty is moved up to the top
    and emptied there. Missing is fine. What is mounted below stays, and raises ``EBUSY``.
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
        pending = _empty(top, top, device)
        while pending:
            name = pending.pop()
            pending += _empty_child(top, name, device)
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(path)


def _empty_child(top: int, name: str, device: int) -> list[str]:
    try:
        descriptor = os.open(name, _DIRECTORY, dir_fd=top)
    except FileNotFoundError:
        return []
    try:
        if os.fstat(descriptor).st_dev != device:
            raise OSError(errno.EBUSY, "another filesystem is mounted there", name)
        return _empty(top, descriptor, device)
    finally:
        os.close(descriptor)


def _empty(top: int, directory: int, device: int) -> list[str]:
    """Unlinks what a directory has, and moves its directories to the top; their names there."""
    with os.scandir(directory) as scan:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in scan]
    moved = []
    for name, is_directory in entries:
        with contextlib.suppress(FileNotFoundError):
            if not is_directory:
                os.unlink(name, dir_fd=directory)
            elif os.stat(name, dir_fd=directory, follow_symlinks=False).st_dev != device:
                raise OSError(errno.EBUSY, "another filesystem is mounted there", name)
            else:
                place = f".{os.urandom(8).hex()}"
                os.rename(name, place, src_dir_fd=directory, dst_dir_fd=top)
                moved.append(place)
    return moved


def tree_size(path: str) -> int:
    """Bytes of the regular files below ``path``, each inode once."""
    total = 0
    seen: set[int] = set()
    for base, _, names in os.walk(path):
        for name in names:
            status = os.lstat(f"{base}/{name}")
            if not stat.S_ISREG(status.st_mode) or status.st_ino in seen:
                continue
            if status.st_nlink > 1:
                seen.add(status.st_ino)
            total += status.st_size
    return total
