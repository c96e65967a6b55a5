"""Finds out within milliseconds that a replica can serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from dockyard.serving.activator.model import Target
from dockyard.serving.activator.readiness import obstacle
from dockyard.serving.gateway.model import Backend
from dockyard.serving.model import Ready

_SHORTEST, _LONGEST = 0.005, 0.05
_SHARE = 0.002
"""Of the time that a replica takes already: what starts for minutes is asked less often."""


def pause(age: float) -> float:
    """Seconds until the next probe of a replica that is probed for so many seconds."""
    return min(max(age * _SHARE, _SHORTEST), _LONGEST)


class Prober:
    """Probes replicas until each is ready.

    Args:
        target: what they are replicas of, as it is now.
        ready: called with a replica that can serve.
    """

    def __init__(self, target: Callable[[], Target], ready: Callable[[Backend], None]) -> None:
        self._target = target
        self._ready = ready
        self._tasks: dict[Backend, asyncio.Task[None]] = {}

    def keep(self, backends: Iterable[Backend]) -> None:
        """Probes these and no others."""
        wanted = set(backends)
        for backend in self._tasks.keys() - wanted:
            self._tasks.pop(backend).cancel()
        for backend in wanted - self._tasks.keys():
            task = asyncio.get_running_loop().create_task(self._probe(backend))
            self._tasks[backend] = task

    async def _probe(self, backend: Backend) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        while await self._obstacle(backend):
            await asyncio.sleep(pause(loop.time() - begin))
        self._tasks.pop(backend, None)
        self._ready(backend)

    async def _obstacle(self, backend: Backend) -> str:
        target = self._target()  # it may be served in another way by now
        ready = Ready(path=target.ready_path, timeout=target.ready_timeout)
        return await obstacle(backend, ready, target.protocol)
