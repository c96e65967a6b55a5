"""Inode flags (``chattr``) that keep files from being removed."""

from __future__ import annotations

import array
import fcntl
import os
import stat

_FS_IOC_GETFLAGS = 0x80086601
_FS_IOC_SETFLAGS = 0x40086602
_IMMUTABLE = 0x10
_APPEND_ONLY = 0x20

_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def clear_flags(descriptor: int) -> None:
    """Clears immutable and append-only of an open file or directory, where it has flags at all."""
    value = array.array("i", [0])
    try:
        fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, value, True)
    except OSError:  # this filesystem or kind of file has none
        return
    if value[0] & (_IMMUTABLE | _APPEND_ONLY):
        value[0] &= ~(_IMMUTABLE | _APPEND_ONLY)
        fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, value)


def clear_flags_below(directory: str) -> None:
    """Clears the flags of a directory and of all below it, never through a symlink.

    What disappears meanwhile is skipped: another process may remove the same tree.
    """
    try:
        root = os.open(directory, _OPEN_FLAGS | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        pending = ["."]
        while pending:
            pending += _clear(root, pending.pop())
    finally:
        os.close(root)


def _clear(root: int, path: str) -> list[str]:
    """Clears one entry's flags; returns the paths of what a directory contains."""
    try:
        kind = stat.S_IFMT(os.lstat(path, dir_fd=root).st_mode)
        if kind not in {stat.S_IFREG, stat.S_IFDIR}:
            return []
        descriptor = os.open(path, _OPEN_FLAGS, dir_fd=root)
    except FileNotFoundError:
        return []
    try:
        clear_flags(descriptor)
        names = os.listdir(descriptor) if kind == stat.S_IFDIR else []
    finally:
        os.close(descriptor)
    return [f"{path}/{name}" for name in names]
