"""A blob on its way from a source: verified as it flows, gone on with where it broke off."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Final

from dockyard.errors import ContentMismatch
from dockyard.observability.transfers import Hearer
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor
from dockyard.registry import backoff, waits
from dockyard.registry.copying.sources import Source
from dockyard.registry.model import Readable
from dockyard.registry.problems import Interrupted
from dockyard.registry.upload import OpenAt

_BLOCK_BYTES: Final = 1 << 20

Write = Callable[[bytes], object]


def pour(
    source: Source, blob: Descriptor, write: Write, *, hearer: Hearer,
    pause: Callable[[float], None],
) -> None:  # fmt: skip
    """Passes a blob's bytes on, just as many as it has.

    Args:
        hearer: hears of the bytes that have come.
        pause: waits some seconds; raises where the work is to end.

    Raises:
        ContentMismatch: it is not what its digest says; what was written is useless then.
        Interrupted: it broke off again and again.
    """
    digest = hashlib.sha256()
    done = failures = 0
    while done < blob.size:
        before = done
        try:
            with waits.heard_by(hearer), source.opened(blob, done) as stream:
                while done < blob.size and (
                    data := stream.read(min(_BLOCK_BYTES, blob.size - done))
                ):
                    digest.update(data)
                    write(data)
                    done += len(data)
                    hearer.add(len(data))
            if done < blob.size:
                raise _short(blob, done)
        except Interrupted as error:
            failures = 1 if done > before else failures + 1
            wait = backoff.delay(failures, error.wait)
            if wait is None:
                raise
            hearer.retrying(wait, error.brief)
            pause(wait)
    _check(blob, digests.PREFIX + digest.hexdigest())


def trusting(source: Source, blob: Descriptor, work: Callable[[], None]) -> None:
    """Does what takes a blob from its beginning to its end; again, where a mirror gave something
    else.

    Raises:
        ContentMismatch: the source itself has something else.
    """
    while True:
        try:
            work()
        except ContentMismatch:
            if source.remote is None or not source.remote.distrust(blob.digest):
                raise
        else:
            return


@contextlib.contextmanager
def spooled(
    source: Source, blob: Descriptor, directory: str, hearer: Hearer,
    pause: Callable[[float], None],
) -> Iterator[IO[bytes]]:  # fmt: skip
    """A blob in a file, at its beginning, which is gone afterwards. Raises as :func:`pour`."""
    with tempfile.TemporaryFile(dir=directory) as file:

        def fetch() -> None:
            file.seek(0)
            pour(source, blob, file.write, hearer=hearer, pause=pause)

        trusting(source, blob, fetch)
        file.seek(0)
        yield file


def verified(source: Source, blob: Descriptor) -> OpenAt:
    """Opens a blob for an upload: one that is read from its beginning to its end is verified, of
    another the registry that gets it sees whether it is what its digest says."""

    @contextlib.contextmanager
    def open_at(offset: int) -> Iterator[Readable]:
        with source.opened(blob, offset) as stream:
            yield stream if offset else _Verified(stream, blob)

    return open_at


class _Verified:
    """A stream that raises instead of giving the last bytes of what is something else."""

    def __init__(self, stream: Readable, blob: Descriptor) -> None:
        self._stream = stream
        self._blob = blob
        self._digest = hashlib.sha256()
        self._done = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(min(size, self._blob.size - self._done))
        self._digest.update(data)
        self._done += len(data)
        if not data and self._done < self._blob.size:
            raise _short(self._blob, self._done)
        if data and self._done == self._blob.size:
            _check(self._blob, digests.PREFIX + self._digest.hexdigest())
        return data


def _check(blob: Descriptor, found: str) -> None:
    if found != blob.digest:
        raise ContentMismatch(
            f"{blob.digest} has another digest: {found}", reference="digest-mismatch"
        )


def _short(blob: Descriptor, done: int) -> ContentMismatch:
    return ContentMismatch(f"{blob.digest} has {done} bytes, not {blob.size}")
