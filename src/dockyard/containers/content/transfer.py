"""Copying entries between two open directories, one of which a container may be changing.

Everything is done relative to descriptors, and no symlink is followed. What an entry is, is asked
of the descriptor through which it is then read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from dockyard.containers.content.rooted import reopen
from dockyard.errors import HostileInput, InvalidInput
from dockyard.observability.progress import Counter
from dockyard.system import copy, files
from dockyard.system.nodes import Node, make_node

_ENTRY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 26
"""Bytes that are copied by one call: so often those who wait hear of it."""
_CHUNK = 1 << 16
_MAX_UNSIZED = 64 << 20
_NOT_HERE = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_NO_TEMPORARY = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})


class Transfer:
    """One copy, in which hard links stay what they are; counts the bytes of files on the way."""

    def __init__(self, counter: Counter, *, keep_owner: bool) -> None:
        """``keep_owner``: entries keep user and group; otherwise they are this process's.

        With the owner go the rights that were meant for it: setuid and setgid bits, capabilities
        of files. Devices are refused then: on this host, they are this host's.
        """
        self._owner = None if keep_owner else (os.geteuid(), os.getegid())
        self._links: copy.Links | None = None
        self._counter = counter
        self.size = 0

    def entry(self, source: int, directory: int, name: str) -> None:
        """Copies an entry, with all below it, to a name in a directory.

        A directory that is there is merged with, a file is replaced.

        Args:
            source: an ``O_PATH`` descriptor of the entry.

        Raises:
            InvalidInput: a directory would replace a file, or a file a directory.
            HostileInput: a device, where owners aren't kept.
        """
        status = os.fstat(source)
        if not stat.S_ISDIR(status.st_mode):
            self._leaf(source, status, directory, name)
            return
        made = make_directory(directory, name)
        with _opened(directory, name) as target:
            self.contents(source, target)
            if made:
                self._attributes(source, target, status)

    def contents(self, source: int, target: int) -> None:
        """Copies what a directory holds into another one."""
        top, self._links = reopen(source, os.O_RDONLY | os.O_DIRECTORY), copy.Links(target)
        try:
            pending = [("", False)]
            while pending:
                path, made = pending.pop()
                with _below(top, path) as here, _below(target, path) as there:
                    pending += [
                        (_joined(path, name), new) for name, new in self._level(here, there, path)
                    ]
                    if made:
                        self._attributes(here, there, os.fstat(here))
        finally:
            os.close(top)

    def _level(self, source: int, target: int, path: str) -> Iterator[tuple[str, bool]]:
        """Copies a directory's files; names its directories, and says whether they are new."""
        for name in os.listdir(source):
            try:
                found = os.open(name, _ENTRY, dir_fd=source)
            except FileNotFoundError:  # gone meanwhile
                continue
            try:
                status = os.fstat(found)
                if stat.S_ISDIR(status.st_mode):
                    yield name, make_directory(target, name)
                else:
                    self._leaf(found, status, target, name, _joined(path, name))
            finally:
                os.close(found)

    def _leaf(
        self, source: int, status: os.stat_result, directory: int, name: str, path: str = ""
    ) -> None:
        """Copies what is no directory; sockets are left out.

        Args:
            path: from the top of the copy down; empty where this is all of it.
        """
        mode = status.st_mode
        if stat.S_ISSOCK(mode):
            return
        if self._owner is not None and (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)):
            raise HostileInput(
                f"{name} is a device node, which would open a device of this host",
                hint="-a copies it all the same",
                reference="device-node",
            )
        clear_place(directory, name)
        if self._links is not None and self._links.made(status, path, directory, name):
            return
        if stat.S_ISREG(mode):
            self._file(source, status, directory, name)
            return
        owner = self._owner or (status.st_uid, status.st_gid)
        times = (status.st_atime_ns, status.st_mtime_ns)
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink("", dir_fd=source), name, dir_fd=directory)
            os.chown(name, *owner, dir_fd=directory, follow_symlinks=False)
            os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)
        else:
            kept = mode if self._owner is None else mode & ~(stat.S_ISUID | stat.S_ISGID)
            node = Node(mode=kept, device=status.st_rdev, owner=owner, times=times)
            make_node(directory, name, node)

    def _file(self, source: int, status: os.stat_result, directory: int, name: str) -> None:
        reader = reopen(source, os.O_RDONLY)
        try:
            with new_file(directory, name) as writer:
                self.size += copy_at_most(reader, writer, status.st_size, self._counter)
                self._attributes(reader, writer, status)
        finally:
            os.close(reader)

    def _attributes(self, source: int, target: int, status: os.stat_result) -> None:
        kept, mode = self._owner is None, stat.S_IMODE(status.st_mode)
        os.fchown(target, *(self._owner or (status.st_uid, status.st_gid)))
        os.fchmod(target, mode if kept else mode & ~(stat.S_ISUID | stat.S_ISGID))
        with contextlib.suppress(OSError):  # an O_PATH descriptor has none to read
            copy.copy_xattrs(source, target, capabilities=kept)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def copy_at_most(reader: int, writer: int, size: int, counter: Counter) -> int:
    """Copies a file's first bytes inside the kernel; how many there were.

    A file that grows without end is so cut at the size that it had. What says that it is empty,
    as files of the kernel do, is read to its end.
    """
    if size == 0:
        return _copy_by_reading(reader, writer)
    done = 0
    while done < size:
        piece = min(size - done, _PIECE)
        try:
            count = os.copy_file_range(reader, writer, piece)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            count = os.sendfile(writer, reader, None, piece)
        if count == 0:
            break
        done += count
        counter.add(count)
    return done


def _copy_by_reading(reader: int, writer: int) -> int:
    done = 0
    while done < _MAX_UNSIZED and (data := os.read(reader, _CHUNK)):
        done += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(writer, view) :]
    return done


@contextlib.contextmanager
def new_file(directory: int, name: str) -> Iterator[int]:
    """A new file to write, which has its name only once it is complete.

    So a copy that is killed leaves nothing. Where the filesystem has no files without a name, it
    is written in place.
    """
    try:
        writer = os.open(".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=directory)
    except OSError as error:
        if error.errno not in _NO_TEMPORARY:
            raise
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        writer = os.open(name, flags, 0o600, dir_fd=directory)
        named = True
    else:
        named = False
    try:
        yield writer
        if not named:
            place = f"/proc/self/fd/{writer}"
            os.link(place, name, dst_dir_fd=directory, follow_symlinks=True)
    finally:
        os.close(writer)


def clear_place(directory: int, name: str) -> None:
    """Removes a file of that name.

    Raises:
        InvalidInput: there is a directory.
    """
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return
    except IsADirectoryError as error:
        raise InvalidInput(
            f'cannot overwrite directory "{name}" with non-directory "{name}"',
            hint="remove the one in the way, or copy to another name",
        ) from error


def make_directory(directory: int, name: str) -> bool:
    """Makes a directory; false where there is one.

    Raises:
        InvalidInput: there is something else.
    """
    try:
        os.mkdir(name, 0o700, dir_fd=directory)
    except FileExistsError:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            raise InvalidInput(
                f'cannot overwrite non-directory "{name}" with directory "{name}"',
                hint="remove the one in the way, or copy to another name",
            ) from None
        return False
    return True


@contextlib.contextmanager
def _opened(directory: int, name: str) -> Iterator[int]:
    descriptor = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _below(top: int, path: str) -> Iterator[int]:
    descriptor = files.open_below(top, path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
