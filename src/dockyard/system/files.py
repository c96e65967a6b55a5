"""Writing and removing files in ways that survive a crash."""

from __future__ import annotations

import contextlib
import errno
import os
import stat


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

    Missing is fine. Directories without permissions and immutable flags are dealt with by the
    caller being root; what is mounted below stays and raises ``EBUSY``.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            os.unlink(path)
            return
        raise
    try:
        _remove_entries(descriptor, os.fstat(descriptor).st_dev)
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(path)


def _remove_entries(directory: int, device: int) -> None:
    with os.scandir(directory) as scan:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in scan]
    for name, is_directory in entries:
        if is_directory:
            _remove_directory(directory, name, device)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)


def _remove_directory(parent: int, name: str, device: int) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=parent)
    except FileNotFoundError:
        return
    try:
        if os.fstat(descriptor).st_dev != device:
            raise OSError(errno.EBUSY, "another filesystem is mounted there", name)
        _remove_entries(descriptor, device)
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=parent)


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
