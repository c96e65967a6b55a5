"""The tar of a layer: a pure function of its directory and of the recorded parameters.

Format of writer 1 (its output never changes; a change is a new writer number):

- Entries go depth first, the names in a directory in the order of their bytes; a directory comes
  before its content, with a trailing slash. The root has an entry, ``./``, only where it differs
  from ``root:root 0755``.
- Owners are numbers without names. Times are whole seconds: the epoch, or for ``clamp`` the
  earlier of the file's time and the epoch (not before 1970).
- A compiled Python file that is checked by its source's time has that time changed likewise.
- A whiteout of overlayfs (character device 0:0) becomes the empty file ``.wh.NAME`` of the OCI
  image specification, with mode, owner 0 and the epoch.
- Of several links to a file the first is the file; the others are hard links to its path.
- Extended attributes that are content (:mod:`dockyard.images.xattrs`) of files and directories
  are ``SCHILY.xattr.*`` pax records. pax headers occur only where ustar can't say something.
- Holes are zeros. Two zero blocks end the archive.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from dockyard.errors import NotSupported, StateError
from dockyard.images import pyc, ustar, xattrs
from dockyard.images.model import Times
from dockyard.oci.digest import PREFIX

CURRENT_WRITER = 1
WHITEOUT_PREFIX = ".wh."

Write = Callable[[bytes | memoryview], object]
"""Takes the next part of the tar; a ``memoryview`` is valid only during the call."""

_BUFFER_BYTES = 1 << 18
_NANOSECONDS = 1_000_000_000
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DEFAULT_ROOT = (0o755, 0, 0, ())


def write_layer(
    directory: str, write: Write, *, epoch: int, times: Times, writer: int = CURRENT_WRITER
) -> None:
    """Streams the tar of a layer. Nothing may change the directory meanwhile.

    Args:
        directory: a normalised layer in the form of an overlay's upper directory.
        write: takes the parts in order.
        epoch: seconds since 1970.
        writer: the number of the format.

    Raises:
        NotSupported: a name can't be in a layer, or the writer is unknown.
        StateError: the directory is not normalised, can't be read, or changes.
    """
    if writer != CURRENT_WRITER:
        raise NotSupported(
            f"layers of writer {writer} are unknown to this version",
            hint="upgrade Dockyard",
            reference="unknown-writer",
        )
    try:
        root = os.open(directory, _OPEN_FLAGS | os.O_DIRECTORY)
        try:
            _LayerWriter(directory, root, write, epoch, times).run()
        finally:
            os.close(root)
    except OSError as error:
        raise StateError(
            f"cannot read the layer {directory}: {error}",
            hint="dockyard doctor looks after the state; build or load the image again",
        ) from error


def diff_id(
    directory: str,
    *,
    epoch: int,
    times: Times,
    writer: int = CURRENT_WRITER,
    advance: Callable[[int], object] = lambda _count: None,
) -> tuple[str, int]:
    """Digest and length in bytes of a layer's tar, which is not kept. Raises as the writer.

    Args:
        advance: gets the number of bytes of each part.
    """
    import hashlib  # it brings OpenSSL: 3 ms, which only a build needs

    digest = hashlib.sha256()
    size = 0

    def count(part: bytes | memoryview) -> None:
        nonlocal size
        digest.update(part)
        size += len(part)
        advance(len(part))

    write_layer(directory, count, epoch=epoch, times=times, writer=writer)
    return PREFIX + digest.hexdigest(), size


class _LayerWriter:
    """One pass over one directory; paths are relative to its descriptor."""

    def __init__(self, directory: str, root: int, write: Write, epoch: int, times: Times) -> None:
        self._directory = directory
        self._root = root
        self._write = write
        self._epoch = epoch
        self._exact = times == "epoch"
        self._links: dict[tuple[int, int], bytes] = {}
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    def run(self) -> None:
        status = os.fstat(self._root)
        pending = self._directory_entries(b"", status)
        while pending:
            path, status = pending.pop()
            if stat.S_ISDIR(status.st_mode):
                pending += self._directory_entries(path, status)
            elif stat.S_ISREG(status.st_mode):
                self._file(path, status)
            else:
                self._special(path, status)
        self._write(ustar.END)

    def _directory_entries(
        self, path: bytes, status: os.stat_result
    ) -> list[tuple[bytes, os.stat_result]]:
        """Writes a directory and returns what it contains, last first."""
        self._check_name(path)
        descriptor = self._open(path or b".", os.O_DIRECTORY)
        try:
            attributes = self._xattrs(path, descriptor)
            with os.scandir(descriptor) as scan:
                found = [
                    (os.fsencode(entry.name), entry.stat(follow_symlinks=False)) for entry in scan
                ]
        finally:
            os.close(descriptor)
        mode = stat.S_IMODE(status.st_mode)
        if path or (mode, status.st_uid, status.st_gid, attributes) != _DEFAULT_ROOT:
            name = path + b"/" if path else b"./"
            self._write(ustar.encode(self._entry(name, b"5", status, xattrs=attributes)))
        found.sort(reverse=True)
        parent = path + b"/" if path else b""
        return [(parent + name, child) for name, child in found]

    def _file(self, path: bytes, status: os.stat_result) -> None:
        self._check_name(path)
        if status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._write(ustar.encode(self._entry(path, b"1", status, link=first)))
                return
        descriptor = self._open(path)
        try:
            size = status.st_size
            attributes = self._xattrs(path, descriptor)
            header = self._entry(path, b"0", status, size=size, xattrs=attributes)
            self._content(path, descriptor, size, ustar.encode(header))
        finally:
            os.close(descriptor)

    def _content(self, path: bytes, descriptor: int, size: int, header: bytes) -> None:
        """Writes header, content and padding: a small file in one part."""
        if size < _BUFFER_BYTES:
            data = os.read(descriptor, size) if size else b""
            if len(data) != size:
                raise self._changed(path)
            self._write(b"".join((header, self._start(path, data), ustar.padding(size))))
            return
        self._write(header)
        rest = size
        while rest:
            length = os.readv(descriptor, [self._buffer[: min(rest, _BUFFER_BYTES)]])
            if length == 0:
                raise self._changed(path)
            if rest == size:
                start = bytes(self._buffer[: pyc.HEADER])
                self._buffer[: pyc.HEADER] = self._start(path, start)
            self._write(self._buffer[:length])
            rest -= length
        self._write(ustar.padding(size))

    def _start(self, path: bytes, data: bytes) -> bytes:
        """The beginning of a file's content, with the time in a ``.pyc``'s header changed."""
        recorded = pyc.recorded_time(data) if path.endswith(b".pyc") else None
        if recorded is None:
            return data
        return pyc.with_time(data, self._time(recorded)) + data[pyc.HEADER :]

    def _special(self, path: bytes, status: os.stat_result) -> None:
        self._check_name(path)
        mode, device = status.st_mode, (os.major(status.st_rdev), os.minor(status.st_rdev))
        if stat.S_ISLNK(mode):
            target = os.readlink(path, dir_fd=self._root)
            entry = self._entry(path, b"2", status, link=target)
        elif stat.S_ISCHR(mode) and device == (0, 0):
            entry = self._whiteout(path)
        elif stat.S_ISCHR(mode):
            entry = self._entry(path, b"3", status, device=device)
        elif stat.S_ISBLK(mode):
            entry = self._entry(path, b"4", status, device=device)
        elif stat.S_ISFIFO(mode):
            entry = self._entry(path, b"6", status)
        else:
            raise self._not_normalised(path, "is a socket")
        self._write(ustar.encode(entry))

    def _whiteout(self, path: bytes) -> ustar.Entry:
        parent, slash, name = path.rpartition(b"/")
        hidden = parent + slash + WHITEOUT_PREFIX.encode() + name
        return ustar.Entry(path=hidden, kind=b"0", mode=0, uid=0, gid=0, size=0, mtime=self._epoch)

    def _entry(
        self,
        path: bytes,
        kind: bytes,
        status: os.stat_result,
        *,
        size: int = 0,
        link: bytes = b"",
        device: tuple[int, int] = (0, 0),
        xattrs: tuple[tuple[bytes, bytes], ...] = (),
    ) -> ustar.Entry:
        seconds = status.st_mtime_ns // _NANOSECONDS
        return ustar.Entry(
            path=path, kind=kind, mode=status.st_mode & 0o7777, uid=status.st_uid,
            gid=status.st_gid, size=size, mtime=self._time(seconds), link=link,
            device=device, xattrs=xattrs,
        )  # fmt: skip

    def _time(self, seconds: int) -> int:
        return self._epoch if self._exact else max(0, min(seconds, self._epoch))

    def _xattrs(self, path: bytes, descriptor: int) -> tuple[tuple[bytes, bytes], ...]:
        names = os.listxattr(descriptor)
        if not names:
            return ()
        if any(xattrs.is_overlay(name) for name in names):
            raise self._not_normalised(path, "has attributes of overlayfs")
        kept = sorted(os.fsencode(name) for name in names if xattrs.is_content(name))
        return tuple((name, os.getxattr(descriptor, name)) for name in kept)

    def _open(self, path: bytes, flags: int = 0) -> int:
        """Opens without a trace: reading a fresh file would else write its access time."""
        try:
            return os.open(path, _OPEN_FLAGS | os.O_NOATIME | flags, dir_fd=self._root)
        except PermissionError:
            return os.open(path, _OPEN_FLAGS | flags, dir_fd=self._root)

    def _check_name(self, path: bytes) -> None:
        if path.rpartition(b"/")[2].startswith(WHITEOUT_PREFIX.encode()):
            raise unstorable(os.fsdecode(path))

    def _not_normalised(self, path: bytes, why: str) -> StateError:
        return StateError(
            f"the layer is not normalised: /{os.fsdecode(path)} {why}",
            context=self._directory,
            hint="something else wrote to it: build or load the image again",
            reference="layer-not-normalised",
        )

    def _changed(self, path: bytes) -> StateError:
        return StateError(
            f"/{os.fsdecode(path)} changed while it was read",
            context=self._directory,
            hint="something else writes to it; layers are not to be touched",
            reference="layer-changed",
        )


def unstorable(path: str) -> NotSupported:
    """The error for a file whose name means a deletion in a layer."""
    return NotSupported(
        f"/{path}: an image can't hold a file whose name begins with {WHITEOUT_PREFIX}",
        hint="that name marks a deletion in layers; remove or rename it in the step that makes it",
        reference="reserved-name",
    )
