"""Finds out within milliseconds that a replica can serve.

By HTTP/1.1 a probe asks for the path and wants 2xx or 3xx; without a path it is enough that the
port takes connections. By h2c the server has to begin HTTP/2; there the path is not asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from dockyard.serving.activator import head, pool
from dockyard.serving.activator.model import Target
from dockyard.serving.activator.wire import Waker, Wire
from dockyard.serving.gateway.model import Backend

_SHORTEST, _LONGEST = 0.005, 0.05
_SHARE = 0.002
"""Of the time that a replica takes already: what starts for minutes is asked less often."""
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
"""With an empty frame of settings behind it, as every client begins."""
_FRAME_HEAD = 9
_SETTINGS = 4


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
        while not await answers(backend, self._target()):
            await asyncio.sleep(pause(loop.time() - begin))
        self._tasks.pop(backend, None)
        self._ready(backend)


async def answers(backend: Backend, target: Target) -> bool:
    """Whether a replica can serve now."""
    try:
        async with asyncio.timeout(target.ready_timeout):
            wire = await pool.connect(backend)
            try:
                return await _asked(wire, backend, target)
            finally:
                wire.abort()
    except OSError:
        return False


async def _asked(wire: Wire, backend: Backend, target: Target) -> bool:
    waker = wire.notify = Waker()
    if target.protocol == "h2c":
        wire.write(_PREFACE)
        while len(wire.buffer) < _FRAME_HEAD and not wire.ended:
            await waker.wait()
        return len(wire.buffer) >= _FRAME_HEAD and wire.buffer[3] == _SETTINGS
    if not target.ready_path:
        return True
    host = f"[{backend.address}]" if ":" in backend.address else backend.address
    wire.write(
        f"GET {target.ready_path} HTTP/1.1\r\nHost: {host}:{backend.port}\r\n"
        "User-Agent: dockyard\r\nConnection: close\r\n\r\n".encode()
    )
    try:
        while not (size := head.find(wire.buffer)):
            if wire.ended:
                return False
            await waker.wait()
        return head.response(wire.take(size)).status // 100 in (2, 3)
    except head.Malformed:
        return False
