"""Files with content, each under its digest, and those that are still being sent.

A file gets its name only when it is whole and has the digest; nothing writes into it afterwards.
What is in the database decides whether it is there; see :mod:`dockyard.registry.server.blobs`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from typing import Any, Final

from dockyard.registry.server import names
from dockyard.state.paths import unusable
from dockyard.system import files

_BLOCK: Final = 1 << 20
_SPARED: Final = 16 << 20
"""Bytes of the disk that content leaves free."""
Identity = tuple[int, int, int, int]
"""Tells a file from another one that has taken its name: device, number, size, and when it came."""
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where there is no room for content."""


class Content:
    """Below the registry's directory: ``blobs/ALGORITHM/HEX``, and ``uploads/ID``."""

    def __init__(self, root: str) -> None:
        self.root = root

    def prepare(self) -> None:
        """Makes the directories. Idempotent.

        Raises:
            StateError, PermissionMissing: they can't be made.
        """
        try:
            below = ("blobs", *(f"blobs/{algorithm}" for algorithm in names.LENGTHS), "uploads")
            for name in below:
                os.makedirs(f"{self.root}/{name}", mode=0o700, exist_ok=True)
            os.chmod(self.root, 0o700)
        except OSError as error:
            raise unusable(self.root, error) from error

    def path(self, digest: str) -> str:
        """Where the content with this digest is, if it is there."""
        if not names.is_digest(digest):
            raise ValueError(digest)
        algorithm, _, digits = digest.partition(":")
        return f"{self.root}/blobs/{algorithm}/{digits}"

    def upload(self, upload_id: str) -> str:
        """The file of what is being sent."""
        if not names.is_upload(upload_id):
            raise ValueError(upload_id)
        return f"{self.root}/uploads/{upload_id}"

    def start(self, upload_id: str) -> None:
        """Makes an upload's file, empty."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(self.upload(upload_id), flags, 0o600))

    def received(self, upload_id: str) -> int | None:
        """How many bytes of an upload have come; ``None`` where there is no such upload."""
        try:
            return os.stat(self.upload(upload_id)).st_size
        except FileNotFoundError:
            return None

    def size(self, digest: str) -> int | None:
        """Bytes of a file; ``None`` where there is none."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            return None

    def identity(self, digest: str) -> Identity | None:
        """Which file is there now; ``None`` where there is none."""
        try:
            return identity_of(os.stat(self.path(digest)))
        except FileNotFoundError:
            return None

    def place(self, upload_id: str, digest: str) -> None:
        """Gives an upload the name of its content, whose digest was found out before.

        The upload keeps its file as well, until it is dropped: so a kill in between loses nothing.
        A file that is there is replaced, as nobody has just read that one: a broken disk may have
        changed it. What takes its place is on disk before, so that a loss of power leaves one.
        """
        source, target = self.upload(upload_id), self.path(digest)
        try:
            os.link(source, target)
        except FileExistsError:
            self.sync_upload(upload_id)
            aside = f"{source}.link"
            _unlink(aside)
            os.link(source, aside)
            os.rename(aside, target)
            _unlink(aside)  # rename does nothing where both are one file already

    def drop(self, upload_id: str) -> None:
        """Removes an upload's file. Missing is fine."""
        _unlink(self.upload(upload_id))

    def remove(self, digest: str) -> None:
        """Removes content. Missing is fine."""
        _unlink(self.path(digest))

    def sync_upload(self, upload_id: str) -> None:
        """Waits until what has come of an upload is on disk.

        Raises:
            FileNotFoundError: there is no such upload.
        """
        files.sync(self.upload(upload_id))

    def sync(self, digest: str) -> None:
        """Waits until a file and its name are on disk."""
        path = self.path(digest)
        for each in (path, os.path.dirname(path)):
            files.sync(each)

    def has_digest(self, digest: str) -> bool:
        """Reads a file to its end: whether it is what its name says. False where it is missing."""
        try:
            return digest_of(self.path(digest), digest.partition(":")[0]) == digest
        except FileNotFoundError:
            return False

    def stored(self) -> Iterator[tuple[str, os.stat_result]]:
        """What files there are, by digest; also such as no record knows."""
        for algorithm in names.LENGTHS:
            for name, status in _files(f"{self.root}/blobs/{algorithm}"):
                if names.is_digest(f"{algorithm}:{name}"):
                    yield f"{algorithm}:{name}", status

    def uploads(self) -> Iterator[tuple[str, os.stat_result]]:
        """The files of uploads, by name; also such as no record knows."""
        yield from _files(f"{self.root}/uploads")

    def drop_file(self, name: str) -> None:
        """Removes whatever is among the uploads under this name."""
        _unlink(f"{self.root}/uploads/{os.path.basename(name)}")


def identity_of(status: os.stat_result) -> Identity:
    """Which file this is. A broken disk changes none of it, and who cuts a file the size."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def require_space(descriptor: int, size: int) -> None:
    """Leaves what is left of the disk to records: nothing could be removed without them.

    Raises:
        OSError: so many bytes more would be too many.
    """
    disk = os.fstatvfs(descriptor)
    if disk.f_bavail * disk.f_frsize < _SPARED + size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def digest_of(path: str, algorithm: str = "sha256") -> str:
    """The digest of a file's content. Reading 1 GB takes 0.6 s."""
    state: Any = hashlib.new(algorithm)
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            state.update(view[:count])
    return f"{algorithm}:{state.hexdigest()}"


def _unlink(path: str) -> None:
    """Missing is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _files(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield entry.name, entry.stat(follow_symlinks=False)
