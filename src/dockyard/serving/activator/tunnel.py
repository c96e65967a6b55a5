"""Two connections that are one: bytes go both ways as they are, and so do the ends."""

from __future__ import annotations

import asyncio

from dockyard.serving.activator.wire import Waker, Wire

_HALF_OPEN_SECONDS = 60.0


async def tunnel(one: Wire, other: Wire, waker: Waker) -> None:
    """Passes on what comes until both ends have ended, or one broke; the caller closes them.

    Once one side has ended, the other has a minute in which nothing comes.
    """
    pipes = (_Pipe(one, other), _Pipe(other, one))
    while True:
        moved = [pipe.move() for pipe in pipes]
        if all(pipe.done for pipe in pipes) or one.lost or other.lost:
            return
        if any(moved):
            continue
        if not any(pipe.done for pipe in pipes):
            await waker.wait()
        elif not await _within(_HALF_OPEN_SECONDS, waker):
            return


async def _within(seconds: float, waker: Waker) -> bool:
    """False where nobody woke it in that time."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    timer = loop.call_at(due, waker)
    await waker.wait()
    timer.cancel()
    return loop.time() < due


class _Pipe:
    __slots__ = ("_sink", "_source", "done")

    def __init__(self, source: Wire, sink: Wire) -> None:
        self._source = source
        self._sink = sink
        self.done = False

    def move(self) -> bool:
        if self.done:
            return False
        if self._source.buffer:
            if self._sink.blocked:
                return False
            self._sink.write(self._source.take(len(self._source.buffer)))
            return True
        if self._source.ended:
            self.done = True
            self._sink.end()
            return True
        return False
