"""System calls that Python's standard library lacks, as thin functions that raise ``OSError``.

Numbers are those of the generic table, which x86-64 and arm64 share for calls since Linux 5.2.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os

CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_IN_MODIFY = 0x2
_IN_CLOSE_WRITE = 0x8
_IN_MOVED_FROM = 0x40
_IN_MOVED_TO = 0x80
_IN_CREATE = 0x100
_IN_ONLYDIR = 0x1000000

_MOVE_MOUNT = 429
_FSOPEN = 430
_FSCONFIG = 431
_FSMOUNT = 432
_OPENAT2 = 437
_OPENAT2_TRIES = 128

_FSCONFIG_SET_FLAG = 0
_FSCONFIG_SET_STRING = 1
_FSCONFIG_CMD_CREATE = 6
_MOVE_MOUNT_F_EMPTY_PATH = 4
_CLOEXEC = 1

_IN_DELETE = 0x200
_IN_DELETE_SELF = 0x400


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


@functools.cache
def _libc() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def _check(result: int, call: str, path: str | None = None) -> int:
    if result >= 0:
        return result
    number = ctypes.get_errno()
    raise OSError(number, f"{call}: {os.strerror(number)}", path)


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    encoded = data.encode() if data else None
    result = _libc().mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), encoded
    )
    _check(result, "mount", target)


def unmount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _check(_libc().umount2(os.fsencode(target), flags), "umount", target)


def unshare(flags: int) -> None:
    """unshare(2); network and mount namespaces change for the calling thread only."""
    _check(_libc().unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """setns(2): the calling thread enters a namespace of that kind (``CLONE_NEW*``)."""
    _check(_libc().setns(descriptor, kind), "setns")


def syncfs(descriptor: int) -> None:
    """syncfs(2): everything written to the filesystem of ``descriptor`` is on disk on return."""
    _check(_libc().syncfs(descriptor), "syncfs")


def inotify() -> int:
    """inotify(7): a descriptor for :func:`watch_writes`. It doesn't block."""
    return _check(_libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify_init1")


def watch_writes(descriptor: int, directory: str) -> int:
    """Has it tell of writes to, and new files in, a directory; the number of this watch."""
    mask = _IN_MODIFY | _IN_CREATE
    added = _libc().inotify_add_watch(descriptor, os.fsencode(directory), mask)
    return _check(added, "inotify_add_watch", directory)


def watch_changes(descriptor: int, directory: str) -> int:
    """Has it tell of files that are made, written, moved or deleted in a directory."""
    mask = (
        _IN_CREATE | _IN_MODIFY | _IN_CLOSE_WRITE | _IN_DELETE | _IN_MOVED_FROM | _IN_MOVED_TO
        | _IN_ONLYDIR
    )  # fmt: skip
    added = _libc().inotify_add_watch(descriptor, os.fsencode(directory), mask)
    return _check(added, "inotify_add_watch", directory)


def watch_arrivals(descriptor: int, directory: str) -> int:
    """Has it tell of files that are moved into a directory, or to another name there."""
    mask = _IN_MOVED_TO | _IN_ONLYDIR
    added = _libc().inotify_add_watch(descriptor, os.fsencode(directory), mask)
    return _check(added, "inotify_add_watch", directory)


def unwatch(descriptor: int, number: int) -> None:
    """Ends a watch; one of a directory that was deleted has ended by itself (``EINVAL``)."""
    _check(_libc().inotify_rm_watch(descriptor, number), "inotify_rm_watch")


def openat2(directory: int, path: str, flags: int, *, mode: int = 0, resolve: int = 0) -> int:
    """openat2(2): a descriptor; ``resolve`` takes the ``RESOLVE_*`` bits. Always close-on-exec.

    The kernel gives up a path with ``..`` in it, or in a link on the way, where anything anywhere
    was renamed meanwhile. So it is asked again; EAGAIN is left where somebody renames without end.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    result = -1
    for _ in range(_OPENAT2_TRIES):
        result = _libc().syscall(
            ctypes.c_long(_OPENAT2), ctypes.c_int(directory), os.fsencode(path),
            ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how)),
        )  # fmt: skip
        if result >= 0 or ctypes.get_errno() != errno.EAGAIN:
            break
    return _check(result, "openat2", path)


def watch_removal(*directories: str) -> int:
    """A descriptor that can be read when something in the directories, or they, are deleted.

    See inotify(7). It doesn't block, and is the caller's to close.
    """
    libc = _libc()
    descriptor = _check(libc.inotify_init1(ctypes.c_int(os.O_CLOEXEC | os.O_NONBLOCK)), "inotify")
    try:
        for path in directories:
            mask = ctypes.c_uint32(_IN_DELETE | _IN_DELETE_SELF)
            watching = libc.inotify_add_watch(ctypes.c_int(descriptor), os.fsencode(path), mask)
            _check(watching, "inotify_add_watch", path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def new_mount(
    kind: str, options: list[tuple[str, str | None]], target: str, attributes: int
) -> None:
    """Mounts a filesystem by the API of Linux 5.2: each option is set on its own.

    Args:
        kind: filesystem type, such as ``overlay``.
        options: names and values; a value of ``None`` sets a flag.
        target: an existing directory.
        attributes: ``MOUNT_ATTR_*`` bits (1 read-only, 2 nosuid, 4 nodev, 8 noexec).
    """
    libc = _libc()
    context = _check(
        libc.syscall(ctypes.c_long(_FSOPEN), kind.encode(), ctypes.c_uint(_CLOEXEC)), "fsopen"
    )
    try:
        for name, value in options:
            _configure(context, name, value)
        _check(
            libc.syscall(
                ctypes.c_long(_FSCONFIG), ctypes.c_int(context),
                ctypes.c_uint(_FSCONFIG_CMD_CREATE), None, None, ctypes.c_int(0),
            ),
            "fsconfig", target,
        )  # fmt: skip
        mounted = _check(
            libc.syscall(
                ctypes.c_long(_FSMOUNT), ctypes.c_int(context), ctypes.c_uint(_CLOEXEC),
                ctypes.c_uint(attributes),
            ),
            "fsmount", target,
        )  # fmt: skip
    finally:
        os.close(context)
    try:
        _check(
            libc.syscall(
                ctypes.c_long(_MOVE_MOUNT), ctypes.c_int(mounted), b"", ctypes.c_int(-100),
                os.fsencode(target), ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH),
            ),
            "move_mount", target,
        )  # fmt: skip
    finally:
        os.close(mounted)


def _configure(context: int, name: str, value: str | None) -> None:
    command = _FSCONFIG_SET_FLAG if value is None else _FSCONFIG_SET_STRING
    result = _libc().syscall(
        ctypes.c_long(_FSCONFIG), ctypes.c_int(context), ctypes.c_uint(command), name.encode(),
        None if value is None else os.fsencode(value), ctypes.c_int(0),
    )  # fmt: skip
    _check(result, f"fsconfig {name}", value)
