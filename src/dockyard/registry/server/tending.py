"""What a server does beside answering: reading its settings again, collecting garbage."""

from __future__ import annotations

import asyncio
import contextlib
import time

from dockyard.errors import DockyardError
from dockyard.registry.server.collect import Collected, Collector
from dockyard.registry.server.service import Service
from dockyard.registry.server.tls import Certificate

_LOOK_SECONDS = 5.0


class Tending:
    """Runs until it is canceled."""

    def __init__(self, service: Service, certificate: Certificate | None) -> None:
        self._service = service
        self._certificate = certificate
        self._now = asyncio.Event()
        self._collected = time.monotonic()

    def look_now(self) -> None:
        """Reads settings and certificate again at once (SIGHUP)."""
        self._now.set()

    async def run(self) -> None:
        """Looks every few seconds."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._now.wait(), _LOOK_SECONDS)
            self._now.clear()
            await self._look()
            every = self._service.rules.collecting.every
            if every is not None and time.monotonic() - self._collected >= every:
                await self._collect()
                self._collected = time.monotonic()

    async def _look(self) -> None:
        log = self._service.log
        for source in (self._service.settings, self._certificate):
            if source is None:
                continue
            try:
                if await self._service.records(source.refresh):
                    log.warning("%s were read again", "settings" if source is
                                self._service.settings else "certificate and key")  # fmt: skip
            except DockyardError as error:
                log.warning("%s; what was there before stays in use", error.message)

    async def _collect(self) -> None:
        try:
            found = await self._service.records(_collect, self._service)
        except DockyardError as error:
            self._service.log.warning("collecting garbage failed: %s", error.message)
            return
        self._service.metrics.collected(found.bytes)
        if found.blobs or found.tags or found.uploads:
            self._service.log.warning(
                "collected %d tags, %d manifests, %d blobs, %d uploads: %d bytes",
                len(found.tags), len(found.manifests), len(found.blobs), found.uploads, found.bytes,
            )  # fmt: skip


def _collect(service: Service) -> Collected:
    if service.shared is not None:
        service.shared.join_all()
    return Collector(service.database, service.content, service.rules,
                     note=service.gate.access.audit).run()  # fmt: skip
