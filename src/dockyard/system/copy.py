"""Copying trees with all that files have, relative to descriptors, never through symlinks."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from dockyard.system import files, syscalls

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 30


def copy_tree(rootfs: str, path: str, destination: str) -> None:
    """Copies what a directory of a root filesystem holds into ``destination``, which exists.

    ``path`` is resolved below ``rootfs``, whatever symlinks are on the way. Owners, modes, times
    and extended attributes are kept, those of the directory itself too. A missing directory, or
    one that is a file, copies nothing.
    """
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        source = syscalls.openat2(
            root, path, os.O_RDONLY | os.O_DIRECTORY,
            resolve=syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS,
        )  # fmt: skip
    except (FileNotFoundError, NotADirectoryError):
        return
    finally:
        os.close(root)
    try:
        target = os.open(destination, _DIRECTORY)
        try:
            copy_directory(source, target)
        finally:
            os.close(target)
    finally:
        os.close(source)


def copy_directory(source: int, target: int) -> None:
    """Copies entries and attributes of one open directory into another, and all below.

    Works for any depth with few descriptors: each directory is opened anew from the top.
    """
    pending = [""]
    while pending:
        path = pending.pop()
        with _opened(source, path) as below, _opened(target, path) as into:
            names = _copy_level(below, into)
        pending += [f"{path}/{name}" if path else name for name in names]


@contextlib.contextmanager
def _opened(top: int, path: str) -> Iterator[int]:
    descriptor = files.open_below(top, path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _copy_level(source: int, target: int) -> list[str]:
    """Copies a directory's entries and attributes; its subdirectories, made but empty."""
    with os.scandir(source) as scan:
        names = [entry.name for entry in scan]
    directories = []
    for name in names:
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=target)
            directories.append(name)
        else:
            _copy_entry(source, target, name, status)
    copy_attributes(source, target, os.fstat(source))
    return directories


def _copy_entry(source: int, target: int, name: str, status: os.stat_result) -> None:
    """Copies one entry that is no directory; sockets are left out."""
    mode = status.st_mode
    if stat.S_ISREG(mode):
        _copy_file(source, target, name, status)
    elif stat.S_ISLNK(mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        _set_times(name, target, status)
    elif not stat.S_ISSOCK(mode):
        os.mknod(name, mode, status.st_rdev, dir_fd=target)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        os.chmod(name, stat.S_IMODE(mode), dir_fd=target)
        _set_times(name, target, status)


def _copy_file(source: int, target: int, name: str, status: os.stat_result) -> None:
    reader = os.open(
        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source
    )
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        writer = os.open(name, flags, 0o600, dir_fd=target)
        try:
            copy_content(reader, writer)
            copy_attributes(reader, writer, status)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def copy_content(reader: int, writer: int) -> None:
    """Copies a file's bytes inside the kernel, by reflink where the filesystem can."""
    while True:
        try:
            count = os.copy_file_range(reader, writer, _PIECE)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}:
                raise
            count = os.sendfile(writer, reader, None, _PIECE)
        if count == 0:
            return


def copy_attributes(source: int, target: int, status: os.stat_result) -> None:
    """Owner, mode, extended attributes and times, in the order in which they don't undo another."""
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    copy_xattrs(source, target)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def copy_xattrs(source: int, target: int) -> None:
    """Extended attributes, except those that overlayfs keeps for itself."""
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            if not name.startswith(("trusted.overlay.", "user.overlay.")):
                with contextlib.suppress(OSError):  # e.g. security labels of another policy
                    os.setxattr(target, name, os.getxattr(source, name))


def _set_times(name: str, directory: int, status: os.stat_result) -> None:
    os.utime(
        name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=directory, follow_symlinks=False
    )
