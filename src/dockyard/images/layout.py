"""A directory with an OCI image layout that is written to, while others read and write it.

Blobs appear complete under the names of their digests, and stay; ``index.json`` is replaced last.
So whoever reads it, at whatever moment, finds all that it names. Parts of blobs that are being
fetched are in a directory of their own. Nothing is written through a link in the directory.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO, Self

import msgspec

from dockyard.images.archive import Write, unwritable
from dockyard.images.archive_documents import layout_version
from dockyard.oci import digest as digests

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY = ".dockyard-"
_PARTIALS = ".partial"
_BLOB_MODE = 0o644
_MAX_INDEX_BYTES = 4 << 20


class Place(msgspec.Struct, frozen=True):
    """A blob by digest and size in bytes."""

    digest: str
    size: int

    @property
    def path(self) -> str:
        """Where a layout has it."""
        return f"blobs/sha256/{digests.hex_of(self.digest)}"


class LayoutDirectory:
    """The directory, open. Use as a context manager."""

    def __init__(self, path: str) -> None:
        """Makes the directory where there is none.

        Raises:
            DiskFull, PermissionMissing, StateError: it can't be written to.
        """
        self.path = path
        with contextlib.ExitStack() as stack, self._explained():
            os.makedirs(path, exist_ok=True)
            self._top = os.open(path, _DIRECTORY & ~os.O_NOFOLLOW)
            stack.callback(os.close, self._top)
            blobs = _subdirectory(self._top, "blobs")
            try:
                self._blobs = _subdirectory(blobs, "sha256")
            finally:
                os.close(blobs)
            stack.callback(os.close, self._blobs)
            if not os.access(".", os.W_OK, dir_fd=self._blobs):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self._opened = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._opened.close()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """While inside, no other process writes here; what a killed one left is gone."""
        with self._explained():
            descriptor = os.open("index.json.lock", _LOCK, 0o666, dir_fd=self._top)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                for directory in (self._top, self._blobs):
                    for name in os.listdir(directory):
                        if name.startswith(_TEMPORARY):
                            os.unlink(name, dir_fd=directory)
                yield
            finally:
                with contextlib.suppress(OSError):  # what has something in it is kept
                    os.rmdir(_PARTIALS, dir_fd=self._top)
                os.close(descriptor)

    def has(self, place: Place) -> bool:
        """Whether a blob is here, whole."""
        try:
            descriptor = os.open(digests.hex_of(place.digest), _READ, dir_fd=self._blobs)
        except OSError:
            return False
        with open(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size != place.size:
                return False
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        return digests.PREFIX + found == place.digest

    def read(self, place: Place) -> bytes | None:
        """A small blob; ``None`` where it isn't here, whole."""
        if place.size > _MAX_INDEX_BYTES or not self.has(place):
            return None
        return _content(self._blobs, digests.hex_of(place.digest))

    def index(self) -> bytes | None:
        """``index.json``; ``None`` where there is none that could be one."""
        return _content(self._top, "index.json")

    def add(self, produce: Callable[[Write], object]) -> Place:
        """A new blob of what ``produce`` writes. The caller has the lock."""
        digest = hashlib.sha256()
        size = 0

        def write(part: bytes | memoryview) -> None:
            nonlocal size
            digest.update(part)
            size += len(part)
            stream.write(part)

        with self._new(self._blobs) as (stream, name):
            produce(write)
            stream.flush()
            os.fsync(stream.fileno())
            place = Place(digests.PREFIX + digest.hexdigest(), size)
            target = digests.hex_of(place.digest)
            os.rename(name, target, src_dir_fd=self._blobs, dst_dir_fd=self._blobs)
        return place

    def partial(self, digest: str) -> str:
        """Where to put together a blob that comes in parts, with what there is of it already.

        The caller has the lock. The path leads through no link that somebody else could make.
        """
        return f"/proc/self/fd/{self._partials}/{digests.hex_of(digest)}"

    def adopt(self, digest: str) -> None:
        """Takes in the blob that is whole at :meth:`partial`, verified and on disk."""
        path = self.partial(digest)
        with self._explained():
            os.chmod(path, _BLOB_MODE)
            os.rename(path, digests.hex_of(digest), dst_dir_fd=self._blobs)

    def drop_partials(self) -> None:
        """Removes parts of blobs that nobody went on with. The caller has the lock."""
        with self._explained():
            for name in os.listdir(self._partials):
                os.unlink(name, dir_fd=self._partials)

    @functools.cached_property
    def _partials(self) -> int:
        """A directory of this user's alone.

        Raises:
            PermissionMissing: somebody else has made it.
        """
        with self._explained():
            with contextlib.suppress(FileExistsError):
                os.mkdir(_PARTIALS, 0o700, dir_fd=self._top)
            found = os.open(_PARTIALS, _DIRECTORY, dir_fd=self._top)
            self._opened.callback(os.close, found)
            status = os.fstat(found)
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), _PARTIALS)
        return found

    def publish(self, index: bytes) -> None:
        """Replaces ``index.json``, once all blobs are on disk. The caller has the lock."""
        os.fsync(self._blobs)
        for name, data in (("oci-layout", layout_version()), ("index.json", index)):
            with self._new(self._top) as (stream, temporary):
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
                os.rename(temporary, name, src_dir_fd=self._top, dst_dir_fd=self._top)
        os.fsync(self._top)

    @contextlib.contextmanager
    def _new(self, directory: int) -> Iterator[tuple[BinaryIO, str]]:
        """A temporary file, gone after a failure."""
        name = f"{_TEMPORARY}{os.urandom(8).hex()}"
        descriptor = os.open(name, _NEW, 0o666, dir_fd=directory)
        try:
            with open(descriptor, "wb") as stream:
                yield stream, name
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)
            raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self.path, error) from error


def _subdirectory(parent: int, name: str) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
    return os.open(name, _DIRECTORY, dir_fd=parent)


def _content(directory: int, name: str) -> bytes | None:
    try:
        descriptor = os.open(name, _READ, dir_fd=directory)
    except OSError:
        return None
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = stream.read(_MAX_INDEX_BYTES + 1)
    return None if len(data) > _MAX_INDEX_BYTES else data
