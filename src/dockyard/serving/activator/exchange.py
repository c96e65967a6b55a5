"""A request from its arrival to the end of its response: its turn, its tries, its time."""

from __future__ import annotations

import asyncio

from dockyard.serving.activator import framing
from dockyard.serving.activator.answers import CONTINUE, Refused, marked
from dockyard.serving.activator.attempt import Attempt, Broken, Nonsense, Truncated
from dockyard.serving.activator.body import Body
from dockyard.serving.activator.head import Malformed, Request
from dockyard.serving.activator.pool import Dropped
from dockyard.serving.activator.served import Served, Turn
from dockyard.serving.activator.tunnel import tunnel
from dockyard.serving.activator.wire import Waker, Wire
from dockyard.serving.gateway.model import Backend

_MOST_BREAKS = 2
"""Replicas that may go away under one request: perhaps it is what ends them."""


class _Gone(Exception):
    """The client went away."""


class Exchange:
    """One request of a client's connection."""

    def __init__(self, served: Served, client: Wire, waker: Waker, request: Request) -> None:
        self._served = served
        self._client = client
        self._waker = waker
        self._request = request
        self._over = False
        """Its time is."""
        self._breaks = 0
        self._body = Body(
            framing.of_request(request.length, chunked=request.chunked),
            served.target.max_body, served.budget,
        )  # fmt: skip

    @property
    def read(self) -> bool:
        """All of the request was read."""
        return self._body.complete

    async def run(self) -> bool:
        """Answers it; False where the connection is of no more use."""
        turn: Turn | None = None
        timer = self._timer()
        try:
            turn = self._served.enter(self._waker)
            if self._request.expects and not self._body.complete:
                self._client.write(CONTINUE)
            return await self._answer(turn, timer)
        except Refused as refused:
            return self._refuse(refused, turn)
        except Malformed as error:
            return self._refuse(Refused(error.status, "bad-request", error.reason), turn)
        except (_Gone, Truncated):
            self._client.abort()
            return False
        finally:
            if timer is not None:
                timer.cancel()
            self._body.close()
            if turn is not None:
                self._served.leave(turn)

    def _timer(self) -> asyncio.TimerHandle | None:
        seconds = self._served.target.timeout
        return asyncio.get_running_loop().call_later(seconds, self._expire) if seconds else None

    def _expire(self) -> None:
        self._over = True
        self._waker()

    async def _answer(self, turn: Turn, timer: asyncio.TimerHandle | None) -> bool:
        while True:
            backend = turn.backend or await self._wait(turn)
            attempt = await self._attempt(turn, backend)
            if attempt is None:
                self._body.rewind()
                self._served.again(turn)
                continue
            if attempt.switched:
                if timer is not None:
                    timer.cancel()
                await self._switch(attempt.replica)
            elif attempt.reusable:
                self._served.give(backend, attempt.replica)
            else:
                attempt.replica.abort()
            return not attempt.closes

    async def _wait(self, turn: Turn) -> Backend:
        """Waits for a replica, and reads meanwhile what may be kept."""
        while turn.backend is None:
            if turn.refusal is not None:
                raise turn.refusal
            self._check()
            if not self._body.hold(self._client):
                await self._waker.wait()
        return turn.backend

    async def _attempt(self, turn: Turn, backend: Backend) -> Attempt | None:
        """A try that came to an end, or ``None`` where another one is due."""
        replica = self._served.idle(backend) or await self._connect(backend)
        if replica is None:
            return None
        replica.notify = self._waker
        attempt: Attempt | None = None
        try:
            self._check()
            attempt = Attempt(
                self._request, self._body, self._client, replica,
                closing=self._served.closing, mark=marked(turn.waited),
            )  # fmt: skip
            return await self._pump(attempt)
        except Broken:
            replica.abort()
            self._served.failed(backend)
            self._break()
            return None
        except Nonsense as error:
            replica.abort()
            reason = f"the replica's answer is not HTTP: {error}"
            raise Refused(502, "bad-response", reason) from error
        except Malformed as error:
            self._give_up(turn, attempt, replica)
            raise Truncated if attempt is not None and attempt.begun else error from None
        except BaseException:
            if attempt is None:
                self._served.give(backend, replica)
            else:
                self._give_up(turn, attempt, replica)
            raise

    async def _connect(self, backend: Backend) -> Wire | None:
        """A new connection, or ``None`` where the replica takes none."""
        task = asyncio.get_running_loop().create_task(self._served.pool.connect(backend))
        task.add_done_callback(lambda _task: self._waker())
        try:
            while not task.done():
                self._check()
                await self._waker.wait()
            return task.result()
        except Dropped:
            return None
        except OSError:
            self._served.failed(backend)
            return None
        finally:
            task.cancel()

    async def _pump(self, attempt: Attempt) -> Attempt:
        while not (attempt.done or attempt.switched):
            self._check(begun=attempt.begun)
            if not attempt.pump():
                await self._waker.wait()
        return attempt

    def _check(self, *, begun: bool = False) -> None:
        if self._client.ended:
            raise _Gone
        if self._over:
            raise Truncated if begun else self._served.late()

    def _break(self) -> None:
        """Whether a request may be tried again that a replica may have begun."""
        self._breaks += 1
        repeatable = self._served.target.idempotent and self._body.replayable
        if repeatable and self._breaks < _MOST_BREAKS:
            return
        raise Refused(502, "replica-gone", "the replica went away before it answered")

    def _give_up(self, turn: Turn, attempt: Attempt | None, replica: Wire) -> None:
        """The client gets no answer from it any more, though it may be about to give one."""
        if attempt is None or attempt.begun:
            replica.abort()
        else:
            self._served.abandon(turn, replica)

    async def _switch(self, replica: Wire) -> None:
        try:
            await tunnel(self._client, replica, self._waker)
        finally:
            replica.close()

    def _refuse(self, refused: Refused, turn: Turn | None) -> bool:
        """Answers it ourselves; what wasn't read of it makes the connection useless."""
        close = self._request.close or not self._body.complete or self._served.closing
        bodiless = self._request.method == b"HEAD"
        mark = marked(turn.waited) if turn is not None else b""
        self._client.write(refused.render(close=close, bodiless=bodiless, mark=mark))
        return not close
