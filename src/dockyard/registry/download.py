"""Fetching blobs: large ones in ranges, over a bounded number of connections for all of them, on
from where a killed command came to, and checked while they come."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from dockyard.errors import ContentMismatch, HostileInput
from dockyard.observability.transfers import UNHEARD, Hearer
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor
from dockyard.registry import backoff, chunks, waits
from dockyard.registry.chunks import Range
from dockyard.registry.partial import Partial
from dockyard.registry.problems import Canceled, Interrupted, RangeIgnored
from dockyard.registry.remote import Remote

CONNECTIONS: Final = 6
_EACH: Final = 3
"""So many connections work for one blob as long as others wait."""
_BLOCK_BYTES: Final = 1 << 18
_READ_BYTES: Final = 1 << 20
_WAIT_SECONDS: Final = 0.2


def _ignore() -> None:
    """What is under way ends by itself."""


class Download:
    """One blob that is being fetched into its :class:`Partial`."""

    def __init__(
        self, remote: Remote, descriptor: Descriptor, partial: Partial, hearer: Hearer
    ) -> None:
        self.partial = partial
        self.hearer = hearer
        self._remote = remote
        self._digest = descriptor.digest
        self._guard = threading.Lock()
        self._whole = False
        self._given_up = False
        self._pending: deque[Range] = deque()
        self.active = 0
        """Connections that work for it; counted by :class:`Connections`."""
        self.restart()

    def restart(self) -> None:
        """Asks for all that is missing."""
        with self._guard:
            self._given_up = False
            self._pending = deque(chunks.parts(self.partial.size, self.partial.done))

    def take(self) -> Range | None:
        """The part that is to be fetched next."""
        with self._guard:
            return self._pending.popleft() if self._pending else None

    def give_up(self) -> None:
        """Asks for no more, and ends what is under way."""
        with self._guard:
            self._given_up = True
            self._pending.clear()

    def distrust(self) -> bool:
        """Leaves out the mirrors that gave bytes of it: it is wrong. False where none did."""
        return self._remote.distrust(self._digest)

    @property
    def waits(self) -> bool:
        """Whether there are parts that nobody fetches yet."""
        return bool(self._pending)

    def fetch(self, part: Range, pause: Callable[[float], None]) -> None:
        """Fetches a part; where the server gives whole blobs only, all that is missing.

        Args:
            pause: waits so many seconds, and raises where nothing is wanted any more.

        Raises:
            DockyardError: it can't be had.
        """
        if part == Range(0, self.partial.size):
            try:
                self._stream(part, length=None, pause=pause)
                return
            except Interrupted as error:
                if self._rest_of(part) == part:
                    raise
                _wait(1, error, pause)
        try:
            self._persist(self._rest_of(part), pause)
        except RangeIgnored:
            with self._guard:
                first, self._whole = not self._whole, True
                self._pending.clear()
            if first:
                self._fetch_whole(pause)

    def _fetch_whole(self, pause: Callable[[float], None]) -> None:
        """From the beginning, without asking for a range; what is here already is passed over."""
        part = Range(0, self.partial.size)
        failures = 0
        while chunks.missing(part.length, self.partial.done):
            before = self.partial.there
            try:
                self._stream(part, length=None, pause=pause)
            except Interrupted as error:
                failures = 0 if self.partial.there > before else failures + 1
                _wait(failures, error, pause)

    def _persist(self, part: Range, pause: Callable[[float], None]) -> None:
        """A part, with another request for the rest wherever a connection breaks off."""
        failures = 0
        while part.length:
            try:
                self._stream(part, length=part.length, pause=pause)
                return
            except Interrupted as error:
                rest = self._rest_of(part)
                failures = 0 if rest.start > part.start else failures + 1
                part = rest
                _wait(failures, error, pause)

    def _rest_of(self, part: Range) -> Range:
        """From the first byte that is missing on."""
        gaps = chunks.wanted(part, chunks.missing(self.partial.size, self.partial.done))
        first = next(gaps, Range(part.end, part.end))
        return Range(first.start, part.end)

    def _stream(self, part: Range, length: int | None, pause: Callable[[float], None]) -> None:
        at = part.start
        with self._remote.read_blob(self._digest, offset=at, length=length) as stream:
            while at < part.end:
                data = stream.read(min(_BLOCK_BYTES, part.end - at))
                if not data:
                    raise ContentMismatch(
                        f"{self._remote.reference.registry} ends a blob too early",
                        context=self._digest, reference="size-mismatch",
                    )  # fmt: skip
                pause(0)
                if self._given_up:
                    raise _canceled()
                self.partial.write(data, at)
                self.hearer.add(len(data))
                at += len(data)
            if length is None and stream.read(1):
                raise ContentMismatch(
                    f"{self._remote.reference.registry} sends more of a blob than its manifest"
                    " promises", context=self._digest, reference="size-mismatch",
                )  # fmt: skip


def _wait(failures: int, error: Interrupted, pause: Callable[[float], None]) -> None:
    """Waits before another try, or raises the error where it is the last."""
    seconds = backoff.delay(max(failures, 1), error.wait)
    if seconds is None:
        raise error
    waits.tell(seconds, error)
    pause(seconds)


class Connections:
    """Threads that fetch parts of all blobs that they are given, the earlier blobs first.

    Args:
        abort: ends connections at once; called where some are still at work when all ends.
    """

    def __init__(self, abort: Callable[[], object], count: int = CONNECTIONS) -> None:
        self._abort = abort
        self._count = count
        self._changed = threading.Condition()
        self._downloads: list[Download] = []
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def add(self, download: Download) -> None:
        """Begins to fetch a blob. What goes wrong is told to its partial."""
        with self._changed:
            if download not in self._downloads:
                self._downloads.append(download)
            while len(self._threads) < self._count:
                name = f"download-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Ends all that is under way; who waits for a blob gets :class:`Canceled`."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
            downloads = list(self._downloads)
            busy = any(each.active for each in downloads)
        for download in downloads:
            download.partial.fail(_canceled())
        if busy:
            self._abort()

    def join(self) -> None:
        """Waits until no thread uses a partial any more; after :meth:`stop`."""
        for thread in self._threads:
            thread.join()

    def quiet(self, download: Download) -> None:
        """Asks for no more of a blob, and waits until no thread works for it."""
        download.give_up()
        with self._changed:
            while download.active:
                self._changed.wait()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            download, part = found
            try:
                with waits.heard_by(download.hearer):
                    download.fetch(part, self._pause)
            except Exception as error:  # noqa: BLE001  # told to who waits for the blob, whatever it is
                download.partial.fail(error)
                download.give_up()
            finally:
                with self._changed:
                    download.active -= 1
                    self._changed.notify_all()

    def _next(self) -> tuple[Download, Range] | None:
        with self._changed:
            while not self._stopped.is_set():
                waiting = [each for each in self._downloads if each.waits]
                for download in sorted(waiting, key=lambda each: each.active >= _EACH):
                    part = download.take()
                    if part is not None:
                        download.active += 1
                        return download, part
                self._changed.wait()
        return None

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds) if seconds else self._stopped.is_set():
            raise _canceled()


def _canceled() -> Canceled:
    return Canceled("canceled", hint="what came through is kept: try again")


class Verified:
    """A blob's bytes in order, as far as they are here, hashed; the last read checks the digest.

    Raises:
        ContentMismatch: on reading the end, it is not what its digest says.
    """

    def __init__(self, partial: Partial, digest: str) -> None:
        self._partial = partial
        self._wanted = digest
        self._hash = hashlib.sha256()
        self.position = 0
        self._checked = False

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, waited for; none at the end."""
        data = self._partial.read(self.position, size)
        self._hash.update(data)
        self.position += len(data)
        if self.position == self._partial.size and not self._checked:
            self._checked = True
            found = digests.PREFIX + self._hash.hexdigest()
            if found != self._wanted:
                raise ContentMismatch(
                    f"a blob is not what its digest says: it has another digest, {found}",
                    context=f"expected {self._wanted}", reference="digest-mismatch",
                    hint="it was damaged on its way, or the registry's copy is: try again",
                )  # fmt: skip
        return data

    def drain(self) -> None:
        """Reads to the end."""
        while self.read(_READ_BYTES):
            pass


def fetch_blob(
    remote: Remote, descriptor: Descriptor, path: str, *, hearer: Hearer = UNHEARD
) -> None:
    """Fetches a blob to a file that appears complete, verified and synced, or not at all.

    Another process that fetches the same to the same path is waited for, and what it left is gone
    on with; the caller looks first whether the blob is there by now.

    Args:
        path: on a disk; its directory also holds what there is of the blob until it is complete.
        hearer: hears of the bytes that come.

    Raises:
        ContentMismatch: the registry gives something else; nothing stays.
        DiskFull: there is no room.
        DockyardError: it can't be had. What came is kept for the next try.
    """
    with fetching() as connections:
        partial = Partial.wait_for(path, descriptor.size, _sleep)
        try:
            download = Download(remote, descriptor, partial, hearer)
            complete(download, descriptor.digest, connections)
            partial.finish()
        finally:
            connections.stop()
            connections.join()
            partial.close()


def complete(download: Download, digest: str, connections: Connections) -> None:
    """Fetches all that is missing of a blob, whose file is verified and synced afterwards, and no
    longer written to. Raises as :func:`once_more`."""
    connections.add(download)
    once_more(lambda: Verified(download.partial, digest).drain(), download, connections)
    connections.quiet(download)
    download.partial.sync()


def once_more(work: Callable[[], None], download: Download, connections: Connections) -> None:
    """Does what reads a blob to its end; again with all of it fetched anew, where it was wrong and
    bytes of it were from before, or from a mirror, which isn't asked again.

    Raises:
        ContentMismatch, HostileInput: it is wrong again; nothing of it stays.
    """
    while True:
        try:
            work()
        except (ContentMismatch, HostileInput):
            partial = download.partial
            connections.quiet(download)
            resumed = partial.resumed
            download.hearer.add(-partial.there)
            partial.reset()
            if not download.distrust() and not resumed:
                raise
            download.restart()
            connections.add(download)
        else:
            return


@contextlib.contextmanager
def fetching(abort: Callable[[], object] = _ignore) -> Iterator[Connections]:
    """Connections, which end with the block."""
    connections = Connections(abort)
    try:
        yield connections
    finally:
        connections.stop()
        connections.join()


def _sleep() -> None:
    threading.Event().wait(_WAIT_SECONDS)
