"""One variant as it is served: its replicas, who waits for them, and the figures of both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dockyard.serving.activator.answers import STARTED, Refused
from dockyard.serving.activator.body import SHARE_BYTES, Budget
from dockyard.serving.activator.dispatch import Dispatch
from dockyard.serving.activator.model import Figures, Target
from dockyard.serving.activator.pool import Pool
from dockyard.serving.activator.probe import Prober
from dockyard.serving.activator.shared import Shared
from dockyard.serving.activator.wire import Wire
from dockyard.serving.gateway.model import Backend

_MOST_LINGERING = 300.0


class Turn:
    """A request's place: at a replica, in the queue, or refused."""

    __slots__ = ("_began", "_cold", "_waited", "backend", "number", "refusal", "wake")

    def __init__(self, number: int, wake: Callable[[], None]) -> None:
        self.number = number
        self.wake = wake
        """Called when one of the other two was set."""
        self.backend: Backend | None = None
        self.refusal: Refused | None = None
        self._began: float | None = None
        self._cold = False
        self._waited = 0.0

    @property
    def waited(self) -> str:
        """How long it waited until now, as :data:`dockyard.serving.activator.answers.WAITED` says
        it; nothing for one that never did."""
        seconds = self._waited
        if self._began is not None:
            seconds += time.monotonic() - self._began
        elif not seconds:
            return ""
        return STARTED if self._cold else f"{1000 * seconds:.0f}"

    def wait(self, *, cold: bool) -> None:
        """It is in the queue from now on; ``cold`` where there is no replica to come to."""
        self._began = time.monotonic()
        self._cold = self._cold or cold

    def go(self, backend: Backend) -> None:
        """It has a replica."""
        if self._began is not None:
            self._waited += time.monotonic() - self._began
            self._began = None
        self.backend = backend
        self.wake()


class Served:
    """A variant with its requests."""

    def __init__(self, target: Target, shared: Shared) -> None:
        self.target = target
        self.shared = shared
        self.budget = Budget(SHARE_BYTES, above=shared.budget)
        self.pool = Pool()
        self._removed = False
        self._figures = Figures()
        self._dispatch = Dispatch()
        self._prober = Prober(lambda: self.target, self._answered)
        self._answering: set[Backend] = set()
        self._turns: dict[int, Turn] = {}
        self.configure(target)

    def configure(self, target: Target) -> None:
        """Goes on as the controller says now; what replicas are at work on isn't touched."""
        self.target = target
        self._dispatch.concurrency = target.concurrency
        self._dispatch.bound = target.queue
        self._dispatch.list(target.backends, target.probing)
        listed = frozenset((*target.backends, *target.probing))
        self._answering &= listed
        self.pool.keep(listed)
        self._settle()

    def remove(self) -> None:
        """Finishes what it has with the replicas that there are; nothing new comes."""
        self._removed = True
        self._settle()

    def close(self) -> None:
        """Ends all but the requests."""
        self._prober.keep(())
        self.pool.keep(frozenset())

    def enter(self, wake: Callable[[], None]) -> Turn:
        """A place for a request that came; see :meth:`leave`.

        Raises:
            Refused: there is none.
        """
        figures = self._figures
        figures.total += 1
        figures.last = time.time()
        turn = Turn(next(self.shared.numbers), wake)
        turn.backend = self._dispatch.take()
        if turn.backend is not None:
            return turn
        cold = not self._dispatch.available
        if cold:
            figures.cold += 1
            if (refusal := self._hopeless()) is not None:
                figures.failed += 1
                raise refusal
        if not self._dispatch.wait(turn.number):
            figures.overflowed += 1
            sentence = f"{self._dispatch.waiting} requests wait already"
            raise Refused(503, "queue-full", sentence, self.target.retry_after)
        figures.held += 1
        turn.wait(cold=cold)
        self._turns[turn.number] = turn
        self.shared.poke()
        return turn

    def again(self, turn: Turn) -> None:
        """Another replica for a request whose one failed; it keeps its place in the queue."""
        self._release(turn)
        self._dispatch.wait_again(turn.number)
        turn.wait(cold=not self._dispatch.available)
        self._turns[turn.number] = turn
        self._settle()
        if turn.number in self._turns:
            self.shared.poke()

    def leave(self, turn: Turn) -> None:
        """The request is over, however it went."""
        self._figures.last = time.time()
        if turn.backend is not None:
            self._release(turn)
        elif self._turns.pop(turn.number, None) is not None:
            self._dispatch.leave(turn.number)
        self._hand_out()

    def late(self) -> Refused:
        """The answer for a request whose time is over."""
        self._figures.failed += 1
        return Refused(504, "timeout", f"it took more than {self.target.timeout:g} seconds")

    def failed(self, backend: Backend) -> None:
        """A replica went away: it gets nothing before it answers again."""
        self._answering.discard(backend)
        self._dispatch.mark(backend, ready=False)
        self.pool.drop(backend)
        self._settle()
        self.shared.poke()

    def idle(self, backend: Backend) -> Wire | None:
        """A connection to a replica that was used before."""
        return self.pool.take(backend, self.target.keep_alive / 2)

    def give(self, backend: Backend, replica: Wire) -> None:
        """Keeps a connection for the next request, if the replica gets any."""
        if self._dispatch.lists(backend):
            self.pool.give(backend, replica)
        else:
            replica.close()

    def abandon(self, turn: Turn, replica: Wire) -> None:
        """Nobody waits for the response any more, but the replica may not know.

        Where it gets so many requests at most, this one counts until it is told to be over: the
        replica closes the connection, whose other half ends here, or answers.
        """
        backend, turn.backend = turn.backend, None
        if backend is None or not self.target.concurrency:
            replica.abort()
            if backend is not None:
                self._free(backend)
            return

        def look() -> None:
            if replica.ended or replica.buffer:
                over()

        def over() -> None:
            timer.cancel()
            replica.abort()
            self._free(backend)

        timer = asyncio.get_running_loop().call_later(self.target.timeout or _MOST_LINGERING, over)
        replica.notify = look
        replica.end()
        look()

    def refuse(self, refusal: Refused) -> None:
        """Tells all who wait that they wait in vain."""
        for turn in self._turns.values():
            self._dispatch.leave(turn.number)
            self._figures.failed += 1
            turn.refusal = refusal
            turn.wake()
        self._turns.clear()

    def tick(self) -> None:
        """From time to time."""
        self.pool.sweep(self.target.keep_alive / 2)

    @property
    def closing(self) -> bool:
        """Connections are to end with the request that they have."""
        return self._removed or self.shared.stopping

    def figures(self) -> Figures:
        """As they are now."""
        figures = self._figures
        figures.waiting = self._dispatch.waiting
        figures.active = self._dispatch.active
        figures.ready = tuple(sorted(self._answering))
        return figures

    def _hopeless(self) -> Refused | None:
        """Why nobody needs to wait, where no replica is ready."""
        retry_after = self.target.retry_after
        if self._removed:
            return Refused(503, "removed", "the service was removed", retry_after)
        if self.target.condition == "failed":
            reason = self.target.reason or "no replica could be started"
            return Refused(503, "start-failed", reason, retry_after)
        if self.target.condition == "stopped":
            return Refused(503, "stopped", self.target.reason, retry_after)
        return None

    def _settle(self) -> None:
        """After replicas changed: probes, hands out, and tells those who wait in vain."""
        self._prober.keep(self._dispatch.unready())
        self._hand_out()
        if not self._turns or self._dispatch.available:
            return
        refusal = self._hopeless()
        if refusal is not None:
            self.refuse(refusal)

    def _answered(self, backend: Backend) -> None:
        self._answering.add(backend)
        self._dispatch.mark(backend, ready=True)
        self._hand_out()
        self.shared.poke()

    def _hand_out(self) -> None:
        while (grant := self._dispatch.grant()) is not None:
            self._turns.pop(grant.number).go(grant.backend)

    def _release(self, turn: Turn) -> None:
        backend, turn.backend = turn.backend, None
        if backend is not None:
            self._dispatch.release(backend)

    def _free(self, backend: Backend) -> None:
        self._dispatch.release(backend)
        self._hand_out()
