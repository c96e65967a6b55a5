"""A registry that has what another one has: fetched when it is first asked for, and kept.

Tags are looked up there again after a while. Where the other registry fails, what is kept is what
there is.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from dockyard.config import Config
from dockyard.errors import DockyardError, InvalidInput, NotFound
from dockyard.oci.reference import Reference
from dockyard.registry.client import Client
from dockyard.registry.model import Document
from dockyard.registry.problems import Interrupted
from dockyard.registry.remote import Remote
from dockyard.registry.server import documents, names, problems
from dockyard.registry.server.fetch import Fetch, words
from dockyard.registry.server.manifests import Stored
from dockyard.registry.server.service import Service

P = ParamSpec("P")
T = TypeVar("T")

FRESH_SECONDS: Final = 60.0
_MOST: Final = 10_000
_THREADS: Final = 16
"""For blobs, which may take as long as they like; and as many for all else."""
_ANSWER_SECONDS: Final = 20.0
"""So long the other registry is waited for; clients don't wait for much longer themselves."""


class Mirror:
    """What is asked of the other registry."""

    def __init__(self, service: Service, registry: str, config: Config) -> None:
        """``registry`` is its host, as references name it, with an optional scheme before it."""
        self.registry = host_of(registry)
        self._service = service
        self._client = Client.from_config(config, service.log.warning)
        self._fetching = ThreadPoolExecutor(_THREADS, "mirror-blobs")
        self._asking = ThreadPoolExecutor(_THREADS, "mirror")
        self._fresh: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._fetches: dict[tuple[str, str], Fetch] = {}

    async def manifest(self, repository: str, reference: str) -> Stored | None:
        """A manifest: kept, if it is known to be the one; else as the other registry has it.

        Raises:
            problems.Refused: that one fails, and nothing is kept.
        """
        service = self._service
        kept = await service.records(service.manifests.find, repository, reference)
        if kept is not None and self._is_fresh(repository, reference):
            return kept
        try:
            document = await self._ask(self._newest, repository, reference,
                                       kept.digest if kept else "")  # fmt: skip
        except NotFound:
            return None
        except DockyardError as error:
            if kept is None:
                raise problems.upstream(words(error)) from error
            service.log.warning("%s of %s is what was kept: %s", reference, repository,
                                words(error))  # fmt: skip
            return kept
        if document is not None:
            await service.records(self._store, repository, reference, document)
        self._note_fresh(repository, reference)
        return await service.records(service.manifests.find, repository, reference)

    def _newest(self, repository: str, reference: str, known: str) -> Document | None:
        """The other registry's document; ``None`` where it is the one that is known."""
        remote = self._remote(repository)
        if known:
            found = remote.head(reference)
            if found is None:
                raise NotFound(f"{reference} is gone", hint="it was removed there")
            if found.digest == known:
                return None
        return remote.manifest(reference)

    def _store(self, repository: str, reference: str, document: Document) -> None:
        """Keeps it as it is. What it needs comes when it is asked for."""
        digest = document.digest
        if hashlib.new(digest.partition(":")[0], document.data).hexdigest() not in digest:
            raise problems.upstream("it gives something else than it says")
        parsed = documents.parse(document.data, document.media_type, digest)
        tag = "" if names.is_digest(reference) else reference
        self._service.manifests.put(
            repository, parsed, digest, document.data, tag,
            self._service.quota(repository), whole=False,
        )  # fmt: skip

    async def tags(self, repository: str) -> list[str] | None:
        """All tags there, in order; ``None`` where only what is kept can be told."""
        try:
            return sorted(await self._ask(lambda: self._remote(repository).tags()))
        except DockyardError:
            return None

    async def size(self, repository: str, digest: str) -> int:
        """Bytes of a blob there, of which nothing is fetched.

        Raises:
            problems.Refused: there is none, or that one fails.
        """
        try:
            return await self._ask(self._remote(repository).blob_size, digest)
        except NotFound:
            raise problems.unknown_blob(digest) from None
        except DockyardError as error:
            raise problems.upstream(words(error)) from error

    async def blob(self, repository: str, digest: str) -> Fetch:
        """A blob on its way, as far as its size is known, or all of it is there.

        Raises:
            problems.Refused: it can't be had.
        """
        key = repository, digest
        fetch = self._fetches.get(key)
        if fetch is None:
            fetch = Fetch(self._service, repository, digest, self._remote(repository))
            self._fetches[key] = fetch
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._fetching, fetch.run)
            running.add_done_callback(lambda _: self._fetches.pop(key, None))
        while fetch.size is None and not fetch.done:
            await fetch.progress()
        fetch.check()
        return fetch

    def _remote(self, repository: str) -> Remote:
        return self._client.remote(Reference(self.registry, repository))

    async def _ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function says in a thread, in time.

        Raises:
            Interrupted: it takes longer; by itself it goes on, and ends some time.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await loop.run_in_executor(self._asking, lambda: function(*args, **kwargs))
        except TimeoutError:
            raise Interrupted(f"{self.registry} says nothing", hint="try again") from None

    def _is_fresh(self, repository: str, reference: str) -> bool:
        if names.is_digest(reference):
            return True
        since = self._fresh.get((repository, reference))
        return since is not None and time.monotonic() - since < FRESH_SECONDS

    def _note_fresh(self, repository: str, reference: str) -> None:
        self._fresh[repository, reference] = time.monotonic()
        self._fresh.move_to_end((repository, reference))
        while len(self._fresh) > _MOST:
            self._fresh.popitem(last=False)

    def close(self) -> None:
        """Ends connections; what is being fetched breaks off, and is fetched again another time."""
        for pool in (self._fetching, self._asking):
            pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()


def host_of(text: str) -> str:
    """The registry that a URL or a host names.

    Raises:
        InvalidInput: it names something else.
    """
    host = text.removeprefix("https://").removeprefix("http://").rstrip("/")
    try:
        found = Reference.parse(f"{host}/x").registry if "/" not in host else ""
    except InvalidInput:
        found = ""
    if not found or (found != host and found != "docker.io"):
        raise InvalidInput(
            f"not a registry to mirror: {text!r}",
            hint="a host with an optional port, such as docker.io or registry.example.com:5000",
        )
    return found
