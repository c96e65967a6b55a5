"""The parts of a registry, put together: what handles a request finds them here."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from dockyard.registry.access.service import Access
from dockyard.registry.server.blobs import Blobs
from dockyard.registry.server.budget import Budget
from dockyard.registry.server.content import Content
from dockyard.registry.server.gate import Gate
from dockyard.registry.server.manifests import Manifests
from dockyard.registry.server.metrics import Metrics
from dockyard.registry.server.quota import Check, Room, check_of
from dockyard.registry.server.receive import Receiver
from dockyard.registry.server.reservations import Reservations
from dockyard.registry.server.rules import Rules
from dockyard.registry.server.schema import MIGRATIONS
from dockyard.registry.server.settings import RulesFile
from dockyard.registry.server.sharing import Shared
from dockyard.state.database import Database

if TYPE_CHECKING:
    from dockyard.registry.server.mirror import Mirror

P = ParamSpec("P")
T = TypeVar("T")

_RECORD_THREADS = 4
_CONTENT_THREADS = 8
_PAUSE_SECONDS = 0.05
_DOCUMENT_BYTES = 48 << 20
_FORM_BYTES = 8 << 20


class Service:
    """One registry on one directory."""

    def __init__(
        self, root: str, access: Access, *, may_be_open: bool = False, is_local: bool = True,
        url: str = "",
    ) -> None:  # fmt: skip
        """See :class:`Gate`.

        Args:
            is_local: only this host reaches it.
            url: where clients reach it, if not where they say.
        """
        self.root = root
        self.url = url
        self.is_local = is_local
        self.content = Content(root)
        self.content.prepare()
        self.database = open_database(root)
        self.blobs = Blobs(self.database, self.content)
        self.manifests = Manifests(self.database)
        self.reservations = Reservations(self.database, self.content, self.blobs)
        self._records = ThreadPoolExecutor(_RECORD_THREADS, "records")
        self._reading = asyncio.Semaphore(_RECORD_THREADS)
        """Else what threads have read piles up where the loop is slower than they are."""
        self.content_threads = ThreadPoolExecutor(_CONTENT_THREADS, "content")
        self._sync_threads = ThreadPoolExecutor(_RECORD_THREADS, "sync")
        self.receiver = Receiver(self.content, self.content_threads)
        self.gate = Gate(access, may_be_open=may_be_open)
        self.settings = RulesFile(root)
        self.documents = Budget(_DOCUMENT_BYTES, _DOCUMENT_BYTES // 3)
        """Memory for manifests and lists, of which nothing is on disk."""
        self.forms = Budget(_FORM_BYTES, _FORM_BYTES // 4)
        """Memory for what unknown clients send to become known."""
        self.metrics = Metrics()
        self.log = logging.getLogger("dockyard.registry")
        self.access_log = logging.getLogger("dockyard.registry.access")
        self.shared: Shared | None = None
        """An engine's content that is to be on disk only once."""
        self.mirror: Mirror | None = None
        """Where what isn't here is had from."""
        self.answering = 0
        """Requests that are being answered."""
        self.ending = False
        self._syncs: dict[str, asyncio.Future[None]] = {}

    async def records(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls what works with records, off the event loop."""
        loop = asyncio.get_running_loop()
        async with self._reading:
            return await loop.run_in_executor(self._records, lambda: function(*args, **kwargs))

    @property
    def rules(self) -> Rules:
        """What the owner has laid down, as of now."""
        return self.settings.rules

    def quota(self, repository: str) -> Check | None:
        """What refuses more than a repository may have; ``None`` where there is no quota."""
        return check_of(self.rules, repository)

    async def room(self, repository: str) -> Room | None:
        """How much more may be sent to a repository; ``None`` where there is no quota."""
        if not self.rules.quotas_of(repository):
            return None
        return await self.records(self.reservations.room, self.rules, repository)

    def begin_sync(self, digest: str) -> asyncio.Future[None]:
        """Has a blob written to disk, beside everything else; many ask, one is at it."""
        found = self._syncs.get(digest)
        if found is None:
            loop = asyncio.get_running_loop()
            found = loop.run_in_executor(self._sync_threads, self._sync, digest)
            self._syncs[digest] = found
            found.add_done_callback(lambda _done: self._syncs.pop(digest, None))
        return found

    def _sync(self, digest: str) -> None:
        self.blobs.sync(digest)
        if self.shared is not None:
            self.shared.join(digest)

    async def on_disk(self, digests: tuple[str, ...]) -> None:
        """Waits until blobs are on disk for sure."""
        waiting = [self.begin_sync(digest)
                   for start in range(0, len(digests), 500)
                   for digest in await self.records(
                       self.blobs.not_synced, digests[start : start + 500])]  # fmt: skip
        for each in waiting:
            await asyncio.shield(each)

    async def drained(self, seconds: float) -> None:
        """Waits until all requests are answered, but not longer than that."""
        self.ending = True
        end = asyncio.get_running_loop().time() + seconds
        while self.answering and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        """Ends the threads when they are done, and closes the database."""
        if self.mirror is not None:
            self.mirror.close()
        for pool in (self.content_threads, self._sync_threads, self._records):
            await asyncio.to_thread(pool.shutdown)
        self.database.close()
        await self.gate.close()


def open_database(root: str) -> Database:
    """The records of the registry in this directory."""
    return Database(os.path.join(root, "registry.db"), MIGRATIONS)
