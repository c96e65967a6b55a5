"""Copying trees with all that files have, relative to descriptors, never through symlinks."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator

import msgspec

from dockyard.system import files, syscalls
from dockyard.system.nodes import Node, make_node

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 26
"""Bytes that are copied by one call: so often those who wait hear of it."""
_BLOCK = 512
_RIGHTS = stat.S_ISUID | stat.S_ISGID
_DEVICES = frozenset({stat.S_IFCHR, stat.S_IFBLK})


Advance = Callable[[int], object]
"""Gets the number of bytes of each piece that was copied."""


def _ignore(_count: int) -> None:
    """Nobody listens."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """What comes along in a copy, and who hears of it."""

    whole: bool = False
    """Overlayfs's own attributes and hard links too, and holes in files stay holes, as for an
    overlay's upper directory."""
    rights: bool = True
    """What gives rights to whoever uses a file: setuid and setgid bits, capabilities of files, and
    devices, which are left out without it."""
    advance: Advance = _ignore


def copy_tree(rootfs: str, path: str, destination: str, *, rights: bool = True) -> int:
    """Copies what a directory of a root filesystem holds into ``destination``, which exists.

    ``path`` is resolved below ``rootfs``, whatever symlinks are on the way. Owners, modes, times
    and extended attributes are kept, those of the directory itself too. A missing directory, or
    one that is a file, copies nothing.

    Args:
        rights: see :class:`Manner`.

    Returns:
        How many devices were left out.
    """
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        source = syscalls.openat2(
            root, path, os.O_RDONLY | os.O_DIRECTORY,
            resolve=syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS,
        )  # fmt: skip
    except (FileNotFoundError, NotADirectoryError):
        return 0
    finally:
        os.close(root)
    try:
        target = os.open(destination, _DIRECTORY)
        try:
            return copy_directory(source, target, Manner(rights=rights))
        finally:
            os.close(target)
    finally:
        os.close(source)


def copy_directory(source: int, target: int, manner: Manner) -> int:
    """Copies entries and attributes of one open directory into another, and all below.

    Works for any depth with few descriptors: each directory is opened anew from the top. What
    somebody removes in the meantime is left out.

    Returns:
        How many devices were left out.
    """
    pending, links, left_out = [""], Links(target) if manner.whole else None, 0
    while pending:
        path = pending.pop()
        with files.opened_below(source, path) as below:
            if below is None:
                continue
            with _opened(target, path) as into:
                names, less = _copy_level(below, into, path, links, manner)
        pending += [f"{path}/{name}" if path else name for name in names]
        left_out += less
    return left_out


class Links:
    """Files with several names, as they are copied below an open directory."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._first: dict[tuple[int, int], str] = {}

    def made(self, status: os.stat_result, path: str, directory: int, name: str) -> bool:
        """Makes a second name of what is copied already; false where the file has to be copied.

        Args:
            status: the source's.
            path: the name, from the target down.
        """
        if status.st_nlink < 2:
            return False
        first = self._first.setdefault((status.st_dev, status.st_ino), path)
        if first == path:
            return False
        parent, _, last = first.rpartition("/")
        try:
            with _opened(self._target, parent) as place:
                os.link(last, name, src_dir_fd=place, dst_dir_fd=directory, follow_symlinks=False)
        except OSError:  # it is gone meanwhile, on another filesystem, or has no room for names
            return False
        return True


@contextlib.contextmanager
def _opened(top: int, path: str) -> Iterator[int]:
    descriptor = files.open_below(top, path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _copy_level(
    source: int, target: int, path: str, links: Links | None, manner: Manner
) -> tuple[list[str], int]:
    """Copies a directory's entries and attributes.

    Returns:
        Its subdirectories, made but empty, and how many devices were left out.
    """
    with os.scandir(source) as scan:
        names = [entry.name for entry in scan]
    directories, left_out = [], 0
    for name in names:
        try:
            status = os.stat(name, dir_fd=source, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=target)
                directories.append(name)
            elif not manner.rights and stat.S_IFMT(status.st_mode) in _DEVICES:
                left_out += 1
            elif links is None or not links.made(status, f"{path}/{name}" if path else name,
                                                 target, name):  # fmt: skip
                _copy_entry(source, target, name, status, manner)
        except FileNotFoundError:
            if _is_there(source, name):  # the target is what is gone
                raise
    copy_attributes(source, target, os.fstat(source), manner)
    return directories, left_out


def _is_there(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _copy_entry(
    source: int, target: int, name: str, status: os.stat_result, manner: Manner
) -> None:
    """Copies one entry that is no directory; sockets are left out."""
    mode = status.st_mode
    if stat.S_ISREG(mode):
        _copy_file(source, target, name, status, manner)
    elif stat.S_ISLNK(mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        _set_times(name, target, status)
    elif not stat.S_ISSOCK(mode):
        node = Node(
            mode=_mode(status, manner), device=status.st_rdev, owner=(status.st_uid, status.st_gid),
            times=(status.st_atime_ns, status.st_mtime_ns),
        )  # fmt: skip
        make_node(target, name, node)


def _mode(status: os.stat_result, manner: Manner) -> int:
    return status.st_mode if manner.rights else status.st_mode & ~_RIGHTS


def _copy_file(source: int, target: int, name: str, status: os.stat_result, manner: Manner) -> None:
    reader = os.open(
        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source
    )
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        writer = os.open(name, flags, 0o600, dir_fd=target)
        try:
            if manner.whole and status.st_blocks * _BLOCK < status.st_size:
                copy_extents(reader, writer, status.st_size, manner.advance)
            else:
                copy_content(reader, writer, manner.advance)
            copy_attributes(reader, writer, status, manner)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def copy_content(reader: int, writer: int, advance: Advance = _ignore) -> None:
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
        advance(count)


def copy_extents(reader: int, writer: int, size: int, advance: Advance = _ignore) -> None:
    """Copies what a file with holes holds, and leaves the holes."""
    os.ftruncate(writer, size)
    position = 0
    while position < size:
        try:
            start = os.lseek(reader, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        position = os.lseek(reader, start, os.SEEK_HOLE)
        while start < position:
            piece = min(position - start, _PIECE)
            count = os.copy_file_range(reader, writer, piece, start, start)
            if count == 0:
                return
            start += count
            advance(count)


def copy_attributes(source: int, target: int, status: os.stat_result, manner: Manner) -> None:
    """Owner, mode, extended attributes and times, in the order in which they don't undo another."""
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(_mode(status, manner)))
    copy_xattrs(source, target, whole=manner.whole, capabilities=manner.rights)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def copy_xattrs(
    source: int, target: int, *, whole: bool = False, capabilities: bool = True
) -> None:
    """Extended attributes, except (unless ``whole``) those that overlayfs keeps for itself.

    Args:
        capabilities: those of files too, which give rights to whoever executes them.
    """
    left_out: tuple[str, ...] = () if whole else ("trusted.overlay.", "user.overlay.")
    left_out += () if capabilities else ("security.capability",)
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            if not name.startswith(left_out):
                with contextlib.suppress(OSError):  # e.g. security labels of another policy
                    os.setxattr(target, name, os.getxattr(source, name))


def _set_times(name: str, directory: int, status: os.stat_result) -> None:
    os.utime(
        name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=directory, follow_symlinks=False
    )
