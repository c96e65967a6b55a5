"""A blob on its way from another registry: into a file, and to clients that read behind it.

The last bytes are held back until the digest is known, so no client ever has all of something
else. Whoever began it may go: it is fetched to its end, for the next one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import Final

from dockyard.errors import ContentMismatch, DockyardError, NotFound
from dockyard.registry.blob import BlobStream
from dockyard.registry.problems import Interrupted
from dockyard.registry.remote import Remote
from dockyard.registry.server import problems
from dockyard.registry.server.content import FULL, require_space
from dockyard.registry.server.reservations import Reservation
from dockyard.registry.server.service import Service

HELD_BACK: Final = 1 << 16
_BLOCK: Final = 1 << 18
_TRIES: Final = 5


class Fetch:
    """One blob, for as many clients as want it."""

    def __init__(self, service: Service, repository: str, digest: str, remote: Remote) -> None:
        self.digest = digest
        self.size: int | None = None
        """As soon as the other registry has said it."""
        self.received = 0
        self.done = False
        self.error: Exception | None = None
        self.path = ""
        self._service = service
        self._repository = repository
        self._remote = remote
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    async def progress(self) -> None:
        """Waits until more has come, or it has ended."""
        await self._changed.wait()

    def check(self) -> None:
        """Says to a client what went wrong.

        Raises:
            problems.Refused: it can't be had.
        """
        if isinstance(self.error, NotFound):
            raise problems.unknown_blob(self.digest)
        if isinstance(self.error, problems.Refused):
            raise self.error
        if self.error is not None:
            raise problems.upstream(words(self.error)) from self.error

    def run(self) -> None:
        """Fetches it; for a thread. What goes wrong is in ``error``."""
        blobs = self._service.blobs
        try:
            upload = blobs.start(self._repository, "mirror:")
            if upload is None:
                raise Interrupted("too many blobs are being fetched", hint="try again")
            try:
                self.path = self._service.content.upload(upload.id)
                reservation = self._service.reservations.open(upload)
                try:
                    self._receive(reservation)
                finally:
                    self._service.reservations.close(reservation)
                quota = self._service.quota(self._repository)
                blobs.finish(upload, self.digest, self.received, quota)
            except BaseException:
                blobs.cancel(upload.id)
                raise
        except Exception as error:  # noqa: BLE001  # it is told to all who wait
            self.error = error
        self._tell(ended=True)
        if self.error is None:
            blobs.sync(self.digest)

    def _receive(self, reservation: Reservation) -> None:
        algorithm = self.digest.partition(":")[0]
        state = hashlib.new(algorithm)
        with open(self.path, "ab", buffering=0) as file:
            for attempt in range(_TRIES):
                try:
                    self._read(file.fileno(), state, reservation)
                    break
                except Interrupted:
                    if attempt == _TRIES - 1:
                        raise
        if f"{algorithm}:{state.hexdigest()}" != self.digest:
            raise ContentMismatch(
                f"{self._remote.reference.registry} gives something else than {self.digest}",
                reference="digest-mismatch",
            )

    def _read(self, file: int, state: hashlib._Hash, reservation: Reservation) -> None:
        """Goes on from what has come, as far as what is laid down here allows."""
        with self._remote.read_blob(self.digest, offset=self.received) as stream:
            if self.size is None and isinstance(stream, BlobStream):
                self._admit(reservation, stream.size or 0)
                self.size = stream.size
            while block := stream.read(_BLOCK):
                self._admit(reservation, self.received + len(block))
                _write(file, block)
                state.update(block)
                self.received += len(block)
                self._tell()

    def _admit(self, reservation: Reservation, size: int) -> None:
        """Refuses what would not be kept, before it is on the disk.

        Raises:
            problems.Refused: it is larger than blobs may be, or than there is room for.
            ContentMismatch: it is larger than was said.
        """
        if self.size is not None and size > self.size:
            raise ContentMismatch(
                f"{self._remote.reference.registry} gives more of {self.digest} than it said",
                reference="digest-mismatch",
            )
        self._service.reservations.admit(reservation, self._service.rules, size)

    def _tell(self, *, ended: bool = False) -> None:
        self._loop.call_soon_threadsafe(self._advance, ended)

    def _advance(self, ended: bool) -> None:  # call_soon takes no names
        self.done = self.done or ended
        self._changed.set()
        self._changed = asyncio.Event()


def _write(file: int, block: bytes) -> None:
    """Writes all of it.

    Raises:
        problems.Refused: the disk is full.
    """
    view = memoryview(block)
    try:
        require_space(file, len(block))
        while view:
            view = view[os.write(file, view) :]
    except OSError as error:
        if error.errno in FULL:
            raise problems.disk_full() from error
        raise


def words(error: Exception) -> str:
    """What a client may be told: no URL, and nothing of credentials."""
    return error.message if isinstance(error, DockyardError) else type(error).__name__
