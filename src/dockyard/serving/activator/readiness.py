"""What keeps a replica from serving: asked alike by the activator and by the controller.

By HTTP/1.1 a probe asks for the path and wants 2xx or 3xx; without a path it is enough that the
port takes connections. By h2c the server has to begin HTTP/2; there the path is not asked for.
"""

from __future__ import annotations

import asyncio
import os

from dockyard.serving.activator import head, pool
from dockyard.serving.activator.wire import Waker, Wire
from dockyard.serving.gateway.model import Backend
from dockyard.serving.model import Protocol, Ready

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
"""With an empty frame of settings behind it, as every client begins."""
_FRAME_HEAD = 9
_SETTINGS = 4
_CLOSED = "it closed the connection without an answer"


async def obstacle(backend: Backend, ready: Ready, protocol: Protocol) -> str:
    """Why a replica can't serve now, in a few words; nothing where it can."""
    try:
        async with asyncio.timeout(ready.timeout):
            wire = await pool.connect(backend)
            try:
                if protocol == "h2c":
                    return await _begun(wire)
                return await _asked(wire, backend, ready.path) if ready.path else ""
            finally:
                wire.abort()
    except TimeoutError:
        return f"no answer within {ready.timeout:g} s"
    except OSError as error:
        return os.strerror(error.errno).lower() if error.errno else str(error)


async def _begun(wire: Wire) -> str:
    waker = wire.notify = Waker()
    wire.write(_PREFACE)
    while len(wire.buffer) < _FRAME_HEAD:
        if wire.ended:
            return _CLOSED
        await waker.wait()
    return "" if wire.buffer[3] == _SETTINGS else "it doesn't speak HTTP/2"


async def _asked(wire: Wire, backend: Backend, path: str) -> str:
    waker = wire.notify = Waker()
    host = f"[{backend.address}]" if ":" in backend.address else backend.address
    wire.write(
        f"GET {path} HTTP/1.1\r\nHost: {host}:{backend.port}\r\n"
        "User-Agent: dockyard\r\nConnection: close\r\n\r\n".encode()
    )
    try:
        while not (size := head.find(wire.buffer)):
            if wire.ended:
                return _CLOSED
            await waker.wait()
        status = head.response(wire.take(size)).status
    except head.Malformed:
        return "what it answers is not HTTP"
    return "" if status // 100 in (2, 3) else f"it answers {status}"
