"""``model pull``: the blobs of a model, side by side, large ones in ranges; what a killed command
has fetched is gone on with.

Its documents were read and found good before, and nothing is recorded until all of it is here and
verified.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from dockyard.errors import ContentMismatch, DiskFull
from dockyard.images.content import ContentStore
from dockyard.models.model import Contents, blobs_of
from dockyard.observability.transfers import Listener, Track, Transfers
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor
from dockyard.registry.client import Client
from dockyard.registry.download import Connections, Download, complete, fetching
from dockyard.registry.partial import Partial
from dockyard.registry.problems import Canceled
from dockyard.registry.remote import Remote
from dockyard.state.paths import Paths
from dockyard.system.attentive import all_of

READABLE: Final = 0o444
_WORKERS: Final = 4
"""Blobs that are read to their ends at once; connections are shared among them."""
_PAUSE_SECONDS: Final = 0.2


class Fetcher:
    """Fetches blobs into the content store.

    Args:
        holder: whose lock the caller holds, and whose needs of blobs end with it.
        directory: of the caller's, on the content store's filesystem.
    """

    def __init__(
        self, client: Client, paths: Paths, content: ContentStore, holder: str, directory: str,
        listener: Listener | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._paths = paths
        self._content = content
        self._holder = holder
        self._directory = directory
        self._transfers = Transfers(listener)
        self._stopped = threading.Event()

    def fetch(self, remote: Remote, contents: Contents) -> None:
        """Sees to it that all blobs of a model are here.

        Raises:
            ContentMismatch: the registry gives something else.
            DiskFull: there is no room; what there is room for isn't begun either.
            DockyardError: a blob can't be had. What came is kept for the next try.
        """
        blobs = blobs_of(contents.parts)
        self._content.need([blob.digest for blob in blobs], self._holder)
        tracks = [self._transfers.track(blob.digest, blob.size) for blob in blobs]
        missing = [pair for pair in zip(blobs, tracks, strict=True) if not self._here(*pair)]
        self._require_room(sum(blob.size for blob, _ in missing))
        if not missing:
            return
        with (
            fetching(self._client.close) as connections,
            ThreadPoolExecutor(_WORKERS, thread_name_prefix="model") as pool,
        ):
            tasks = [pool.submit(self._take, remote, *pair, connections) for pair in missing]
            try:
                all_of(tasks)
                _check(task for task in tasks if task.done())
            except BaseException:
                self._stopped.set()
                connections.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                _check(task for task in tasks if not task.cancelled())
                raise

    def _here(self, blob: Descriptor, track: Track) -> bool:
        size = self._content.size(blob.digest)
        if size is None:
            return False
        if size != blob.size:
            raise ContentMismatch(
                f"the manifest gives {blob.digest} {blob.size} bytes, and it has {size}",
                reference="size-mismatch",
            )
        track.phase("exists")
        return True

    def _require_room(self, size: int) -> None:
        disk = os.statvfs(self._paths.root)
        if size > disk.f_bavail * disk.f_frsize:
            raise DiskFull(f"the model, whose missing files have {size:,} bytes")

    def _take(
        self, remote: Remote, blob: Descriptor, track: Track, connections: Connections
    ) -> None:  # fmt: skip
        path = f"{self._paths.downloads}/{digests.hex_of(blob.digest)}"
        partial = Partial.wait_for(path, blob.size, self._pause)
        download = Download(remote, blob, partial, track)
        try:
            if self._here(blob, track):  # another command has fetched it meanwhile
                partial.discard()
                return
            track.phase("downloading", blob.size)
            track.found(partial.there)
            complete(download, blob.digest, connections)
            place = f"{self._directory}/{digests.hex_of(blob.digest)}"
            partial.finish(place)
            self._content.adopt(place, blob.digest, mode=READABLE)
            track.phase("pulled")
        except BaseException:
            connections.stop()
            connections.quiet(download)  # nobody writes to what is closed next
            partial.close()
            raise

    def _pause(self) -> None:
        if self._stopped.wait(_PAUSE_SECONDS):
            raise Canceled("canceled", hint="what came through is kept: try again")


def _check(tasks: Iterable[Future[None]]) -> None:
    """Raises what went wrong first of all: others were called off because of it."""
    failures = [error for task in tasks if (error := task.exception()) is not None]
    if failures:
        raise min(failures, key=lambda error: isinstance(error, Canceled))
