"""Connections, as they come: each address may have so many of the server's, and no more.

Else one client could take all file descriptors, and nobody else would be answered. The address is
the one that the connection comes from, before anything is read of it, TLS included.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from aiohttp import web

from dockyard.registry.access.repeats import Repeats
from dockyard.registry.access.throttle import site_of
from dockyard.registry.server.service import Service

_BACKLOG: Final = 1024
_HANDSHAKE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.5
_SHARE: Final = 3
"""One address has at most one in so many of the file descriptors: two are needed by a transfer."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Places:
    """Who has how many connections. For the event loop's thread."""

    def __init__(self, service: Service, files: int) -> None:
        """``files`` is how many descriptors this process may have."""
        self._service = service
        self._files = files
        self._taken: Counter[str] = Counter()
        self._repeats = Repeats()

    def take(self, address: str) -> bool:
        """True where the address may have one more, which is then taken."""
        site, now = site_of(address), time.monotonic()
        most = min(self._service.rules.connections, self._files // _SHARE)
        if self._taken[site] < most:
            self._taken[site] += 1
            return True
        self._repeats.ended(now)
        if self._repeats.is_first(address, now):
            self._service.log.warning("%s has %d connections: no more are accepted from there",
                                      site, most)  # fmt: skip
        return False

    def give(self, address: str) -> None:
        """One of them is closed."""
        site = site_of(address)
        self._taken[site] -= 1
        if self._taken[site] <= 0:
            del self._taken[site]


class Connection(socket.socket):
    """An accepted connection that tells when it is closed, whoever closes it."""

    def __init__(self, accepted: socket.socket, closed: Callable[[], None]) -> None:
        """Takes the descriptor over."""
        kind = accepted.family, accepted.type, accepted.proto
        super().__init__(*kind, fileno=accepted.detach())
        self.setblocking(False)
        self._tell: Callable[[], None] | None = closed

    def close(self) -> None:
        """Closes it, and tells so once."""
        super().close()
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()


class Site(web.BaseSite):
    """Listens at one address for as long as its runner."""

    def __init__(
        self, runner: web.BaseRunner, listening: socket.socket, places: Places, service: Service,
        context: ssl.SSLContext | None,
    ) -> None:  # fmt: skip
        super().__init__(runner, ssl_context=context, backlog=_BACKLOG)
        self._listening = listening
        self._places = places
        self._service = service
        self._context = context
        self._protocols = runner.server
        self._accepting: asyncio.Task[None] | None = None
        self._greeted: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Where it listens."""
        host, port = self._listening.getsockname()[:2]
        return f"{'https' if self._context else 'http'}://{host}:{port}"

    async def start(self) -> None:
        """Begins to accept."""
        await super().start()
        self._listening.setblocking(False)
        self._listening.listen(_BACKLOG)
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        """Accepts no more; what was accepted goes on."""
        for task in (self._accepting, *self._greeted):
            if task is not None:
                task.cancel()
        self._listening.close()
        await super().stop()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(self._listening)
            except OSError as error:  # also of a client that has gone already
                await asyncio.sleep(_PAUSE_SECONDS if error.errno in _EXHAUSTED else 0)
                continue
            self._take(accepted, address[0])
            await asyncio.sleep(0)  # however many come, others get their turn

    def _take(self, accepted: socket.socket, address: str) -> None:
        if not self._places.take(address):
            accepted.close()
            return
        connection = Connection(accepted, lambda: self._places.give(address))
        set_patience(connection, self._service.rules.stall_seconds)
        greeting = asyncio.create_task(self._greet(connection))
        self._greeted.add(greeting)
        greeting.add_done_callback(self._greeted.discard)

    async def _greet(self, connection: Connection) -> None:
        """Hands it over to what speaks HTTP, after the handshake where there is one."""
        if self._protocols is None:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._protocols, connection, ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._context else None,
            )  # fmt: skip
        except (OSError, TimeoutError):  # what comes is no TLS, or nothing comes
            connection.close()
        except BaseException:
            connection.close()
            raise


def set_patience(connection: socket.socket, seconds: float) -> None:
    """Has the kernel end a connection whose other side takes nothing of what is sent for so long.

    The last bytes of an answer wait in the kernel, where nobody else waits for them to be taken.
    """
    with contextlib.suppress(OSError):  # it has gone already
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
