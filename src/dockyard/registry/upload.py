"""Sending blobs: not at all where the registry has them, else in parts that survive a broken
connection and a killed process, because the registry is asked how far it has come.

What arrives is verified by the registry, against the digest with which the upload is finished.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final, Literal

import msgspec

from dockyard.errors import InvalidInput, NotFound, RegistryError
from dockyard.observability.transfers import Hearer
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry import backoff, waits
from dockyard.registry.ledger import Fleeting, Ledger, Session
from dockyard.registry.model import Readable
from dockyard.registry.problems import Interrupted
from dockyard.registry.remote import Remote

CHUNK_BYTES: Final = 64 << 20
"""What is sent in one request; some proxies refuse larger ones."""
_RECORDED_BYTES: Final = 4 << 20
"""What is smaller is sent again after a kill: it is quicker than to remember it."""
_BLOCK_BYTES: Final = 1 << 18
_MAX_SOURCES: Final = 3
"""Repositories of which a blob is asked for before it is sent."""

OpenAt = Callable[[int], AbstractContextManager[Readable]]
"""Opens a blob's bytes from an offset on."""


class Delivery(msgspec.Struct, frozen=True):
    """How a blob came to be in a repository: ``mounted`` from another one, or sent."""

    how: Literal["present", "mounted", "pushed"]
    source: Reference | None = None


def present(
    remote: Remote, blob: Descriptor, sources: Sequence[Reference], ledger: Ledger | None = None
) -> Delivery | None:
    """How a repository has a blob without its being sent; ``None`` where it has to be.

    The ledger forgets an upload of it: a command that was killed may have finished that.
    """
    found = _found(remote, blob, sources)
    if found is not None and ledger is not None:
        ledger.forget(remote.reference.repository, blob.digest)
    return found


def _found(remote: Remote, blob: Descriptor, sources: Sequence[Reference]) -> Delivery | None:
    if remote.has_blob(blob.digest):
        return Delivery("present")
    for source in sources:
        if remote.mount_blob(blob.digest, source):
            return Delivery("mounted", source)
    return None


def sources(places: Iterable[str], target: Reference) -> tuple[Reference, ...]:
    """Those of the repositories that have a blob which the target's registry can take it from.

    Args:
        places: full names of repositories of any registries.
    """
    found = (Reference.parse(f"{place}:any") for place in places)
    others = [one for one in found if one.registry == target.registry and one.path != target.path]
    return tuple(others[:_MAX_SOURCES])


def transmit(
    remote: Remote, blob: Descriptor, open_at: OpenAt, *, counter: Hearer,
    ledger: Ledger | None = None,
) -> None:  # fmt: skip
    """Sends a blob that a repository lacks.

    Args:
        open_at: opens its bytes, perhaps several times.
        counter: hears of the bytes that the registry has.
        ledger: remembers how far it has come, for the next command after a kill.

    Raises:
        Interrupted: it failed again and again without coming further.
        RegistryError, NotFound: the registry refuses it.
    """
    recorded = ledger is not None and blob.size >= _RECORDED_BYTES
    made: AbstractContextManager[Session] = contextlib.nullcontext(Fleeting())
    if ledger is not None and recorded:
        made = ledger.session(remote.reference.repository, blob.digest)
    with made as session, waits.heard_by(counter):
        _Upload(remote, blob, open_at, counter, session).run()


class _RefusedError(Exception):
    """An upload that was broken off can't go on; another one may."""

    def __init__(self, error: NotFound | RegistryError) -> None:
        super().__init__(error.message)
        self.error = error


class _Upload:
    """One blob on its way."""

    def __init__(
        self, remote: Remote, blob: Descriptor, open_at: OpenAt, counter: Hearer,
        session: Session,
    ) -> None:  # fmt: skip
        self._remote = remote
        self._blob = blob
        self._open_at = open_at
        self._counter = counter
        self._session = session
        self._counted = 0
        self._farthest = 0
        self._tried = False
        self._fresh = False
        """Whether the upload was begun by this attempt, and nothing has happened to it yet."""

    def run(self) -> None:
        """Tries as long as it comes further, and a few times where it doesn't."""
        failures = 0
        while True:
            farthest = self._farthest
            try:
                self._attempt()
                return
            except Interrupted as error:
                failures = 1 if self._farthest > farthest else failures + 1
                wait = backoff.delay(failures, error.wait)
                if wait is None:
                    raise
                waits.tell(wait, error)
            except _RefusedError as refused:
                self._session.record(None)
                failures += 1
                wait = backoff.delay(failures)
                if wait is None:
                    raise refused.error from refused
            self._remote.pause(wait)

    def _attempt(self) -> None:
        is_first, taken_up = not self._tried, self._session.location is not None
        self._tried = True
        location, offset = self._begin()
        self._farthest = max(self._farthest, offset)
        if is_first and taken_up:
            self._counter.found(offset)
            self._counted = offset
        self._count_to(offset)
        if offset < self._blob.size:
            location = self._send(location, offset)
        with self._refusals():
            self._remote.finish_upload(location, self._blob.digest)
        self._session.record(None)

    def _begin(self) -> tuple[str, int]:
        """Where the upload goes on, and from which offset."""
        location = self._session.location
        self._fresh = False
        if location is not None:
            with self._refusals():
                offset = self._remote.upload_offset(location)
                if offset is not None and offset <= self._blob.size:
                    return location, offset
            self._session.record(None)
        location = self._remote.start_upload()
        self._fresh = True
        self._session.record(location)
        return location, 0

    def _send(self, location: str, offset: int) -> str:
        chunk = max(CHUNK_BYTES, self._remote.least_chunk)
        with self._open_at(offset) as stream:
            while offset < self._blob.size:
                length = min(chunk, self._blob.size - offset)
                with self._refusals():
                    location = self._remote.patch(
                        location, self._blocks(stream, length), offset, length
                    )
                offset += length
                self._farthest = max(self._farthest, offset)
                self._count_to(offset)
                if offset < self._blob.size:
                    self._session.record(location)
        return location

    def _blocks(self, stream: Readable, length: int) -> Iterator[bytes]:
        while length:
            block = stream.read(min(_BLOCK_BYTES, length))
            if not block:
                raise InvalidInput(
                    f"the content {self._blob.digest} is {length} bytes short",
                    hint="it changed while it was read; see what else writes to it",
                )
            yield block
            length -= len(block)
            self._counted += len(block)
            self._counter.add(len(block))

    def _count_to(self, offset: int) -> None:
        """The registry knows best what it has."""
        self._counter.add(offset - self._counted)
        self._counted = offset

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        """Tells what is wrong with an upload that was broken off from what is wrong anyway."""
        try:
            yield
        except Interrupted:
            self._fresh = False
            raise
        except (NotFound, RegistryError) as error:
            if self._fresh or type(error) not in {NotFound, RegistryError}:
                raise
            raise _RefusedError(error) from error
