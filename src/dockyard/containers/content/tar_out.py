"""A tree as a tar stream (``export``, and ``cp`` to ``-``): as it is, with owners and times."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable

from dockyard.containers.content.rooted import reopen
from dockyard.errors import StateError
from dockyard.images import ustar, xattrs
from dockyard.system import files

Write = Callable[[bytes | memoryview], object]
"""Takes the next part of the archive; a ``memoryview`` is valid only during the call."""

_ENTRY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_BUFFER_BYTES = 1 << 20
_NANOSECONDS = 10**9


class TarOut:
    """Writes entries and all below them. Hard links within the archive stay what they are."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._links: dict[tuple[int, int], bytes] = {}
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    def tree(self, source: int, name: str) -> None:
        """Writes an entry under a name; the empty name leaves a directory itself out.

        Args:
            source: an ``O_PATH`` descriptor of the entry.
        """
        status = os.fstat(source)
        if not stat.S_ISDIR(status.st_mode):
            self._leaf(source, status, os.fsencode(name))
            return
        top = reopen(source, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._directories(top, name)
        finally:
            os.close(top)

    def end(self) -> None:
        """Writes what ends an archive."""
        self._write(ustar.END)

    def _directories(self, top: int, name: str) -> None:
        pending = [""]
        while pending:
            path = pending.pop()
            shown = "/".join(filter(None, (name, path)))
            try:
                directory = files.open_below(top, path)
            except FileNotFoundError:  # gone meanwhile
                continue
            try:
                if shown:
                    entry = self._entry(
                        os.fsencode(f"{shown}/"), b"5", directory, os.fstat(directory)
                    )
                    self._write(ustar.encode(entry))
                inner = self._files(directory, shown)
                pending += [f"{path}/{each}" if path else each for each in reversed(inner)]
            finally:
                os.close(directory)

    def _files(self, directory: int, shown: str) -> list[str]:
        """Writes what a directory holds; names its directories."""
        directories = []
        for name in sorted(os.listdir(directory), key=os.fsencode):
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                found = os.open(name, _ENTRY, dir_fd=directory)
                try:
                    status = os.fstat(found)
                    if stat.S_ISDIR(status.st_mode):
                        directories.append(name)
                    else:
                        path = f"{shown}/{name}" if shown else name
                        self._leaf(found, status, os.fsencode(path))
                finally:
                    os.close(found)
        return directories

    def _leaf(self, source: int, status: os.stat_result, path: bytes) -> None:
        mode = status.st_mode
        if stat.S_ISSOCK(mode):
            return
        if status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._write(ustar.encode(self._entry(path, b"1", None, status, link=first)))
                return
        if stat.S_ISREG(mode):
            self._file(source, status, path)
            return
        kinds = {stat.S_IFLNK: b"2", stat.S_IFCHR: b"3", stat.S_IFBLK: b"4", stat.S_IFIFO: b"6"}
        kind = kinds[stat.S_IFMT(mode)]
        link = os.readlink(b"", dir_fd=source) if kind == b"2" else b""
        self._write(ustar.encode(self._entry(path, kind, None, status, link=link)))

    def _file(self, source: int, status: os.stat_result, path: bytes) -> None:
        """A file that shrinks meanwhile is filled with zeros, one that grows is cut, as by tar."""
        reader = reopen(source, os.O_RDONLY)
        try:
            size = status.st_size
            self._write(ustar.encode(self._entry(path, b"0", reader, status, size=size)))
            rest = size
            while rest:
                length = os.readv(reader, [self._buffer[: min(rest, _BUFFER_BYTES)]])
                if length == 0:
                    length = min(rest, _BUFFER_BYTES)
                    self._buffer[:length] = bytes(length)
                self._write(self._buffer[:length])
                rest -= length
            self._write(ustar.padding(size))
        except OSError as error:
            raise StateError(
                f"cannot read /{os.fsdecode(path)}: {error.strerror}",
                hint="stop or pause the container while its files are copied",
            ) from error
        finally:
            os.close(reader)

    def _entry(
        self,
        path: bytes,
        kind: bytes,
        descriptor: int | None,
        status: os.stat_result,
        *,
        size: int = 0,
        link: bytes = b"",
    ) -> ustar.Entry:
        device = status.st_rdev if kind in {b"3", b"4"} else 0
        return ustar.Entry(
            path=path, kind=kind, mode=stat.S_IMODE(status.st_mode), uid=status.st_uid,
            gid=status.st_gid, size=size, mtime=max(0, status.st_mtime_ns // _NANOSECONDS),
            link=link, device=(os.major(device), os.minor(device)),
            xattrs=() if descriptor is None else _attributes(descriptor),
        )  # fmt: skip


def _attributes(descriptor: int) -> tuple[tuple[bytes, bytes], ...]:
    try:
        names = sorted(os.fsencode(name) for name in os.listxattr(descriptor)
                       if xattrs.is_content(name))  # fmt: skip
        return tuple((name, os.getxattr(descriptor, name)) for name in names)
    except OSError:  # the filesystem has none
        return ()
