"""A connection whose owner is told that something happened, and then looks what it is.

So one coroutine can wait for two connections, its turn and its time at once, without a task for
each.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Callable
from typing import cast

_FULL = 1 << 18
"""Bytes that came and nobody took: no more are read then."""
_CLOGGED = 1 << 18
"""Bytes that were written and nobody took: no more are to be written then."""


class Waker:
    """Lets a coroutine wait until it is called."""

    __slots__ = ("_future", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] | None = None

    def __call__(self) -> None:
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_result(None)

    async def wait(self) -> None:
        """Returns at the next call. What was called before it counts for nothing: look first."""
        self._future = self._loop.create_future()
        await self._future


def _nobody() -> None:
    """Hears nothing."""


class Wire(asyncio.Protocol):
    """One stream connection.

    Args:
        opened: called once the connection is there.
    """

    __slots__ = (
        "_opened",
        "_paused",
        "blocked",
        "broken",
        "buffer",
        "ended",
        "lost",
        "notify",
        "transport",
    )

    def __init__(self, opened: Callable[[Wire], None] | None = None) -> None:
        self.transport: asyncio.Transport
        self.buffer = bytearray()
        """What came and wasn't taken yet."""
        self.ended = False
        """Nothing more will come."""
        self.lost = False
        """Nothing more can be written."""
        self.broken = False
        """It was reset: what came may not be all that was sent."""
        self.blocked = False
        """The other side doesn't take what was written; write no more for now."""
        self.notify: Callable[[], None] = _nobody
        """Called when any of these may have changed."""
        self._opened = opened
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_CLOGGED)
        if self._opened is not None:
            self._opened(self)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self.buffer += data
        if len(self.buffer) >= _FULL and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self.notify()

    def eof_received(self) -> bool:
        """See :class:`asyncio.Protocol`; the way back stays open."""
        self.ended = True
        self.notify()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self.broken = error is not None
        self.ended = self.lost = True
        self.blocked = False
        self.notify()

    def pause_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        self.blocked = True

    def resume_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        self.blocked = False
        self.notify()

    def take(self, count: int) -> bytes:
        """Takes bytes from the front of what came."""
        if count == len(self.buffer):
            data = bytes(self.buffer)
            self.buffer.clear()
        else:
            data = bytes(self.buffer[:count])
            del self.buffer[:count]
        if self._paused and len(self.buffer) < _FULL:
            self._paused = False
            self.transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Sends bytes; see ``blocked``. They are lost where the connection is."""
        if not self.closing:
            self.transport.write(data)

    def end(self) -> None:
        """Says that nothing more will be sent."""
        if not self.closing:
            with contextlib.suppress(OSError):  # it broke meanwhile
                self.transport.write_eof()

    def close(self) -> None:
        """Closes it once all is sent."""
        self.notify = _nobody
        self.transport.close()

    def abort(self) -> None:
        """Breaks it off: the other side sees that something is missing."""
        self.notify = _nobody
        self.transport.abort()

    @property
    def closing(self) -> bool:
        return self.lost or self.transport.is_closing()

    def look(self) -> None:
        """Notices that the other side has gone, also while nothing is read from it."""
        if self._paused and not self.ended and self._state(select.POLLHUP | select.POLLRDHUP):
            self.ended = True
            self.notify()

    def quiet(self) -> bool:
        """Nothing came, not even the end, down to what the kernel has and wasn't read yet."""
        return not (self.ended or self.buffer or self._state(select.POLLIN | select.POLLRDHUP))

    def _state(self, events: int) -> int:
        connection: socket.socket | None = self.transport.get_extra_info("socket")
        if connection is None or connection.fileno() < 0:
            return select.POLLHUP
        poll = select.poll()
        poll.register(connection.fileno(), events)
        return sum(found for _, found in poll.poll(0))
