"""The replicas that are being started, probed and drained, each by a task of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from dockyard.errors import DockyardError, InvalidInput, NotFound, NotSupported
from dockyard.serving.controller import act, connections, probing
from dockyard.serving.controller.model import Replica, State
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.model import Variant
from dockyard.serving.records import Template
from dockyard.serving.store import Key, ServingStore
from dockyard.system.host import ProcessIdentity

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

T = TypeVar("T")

_STARTS: Final = 4
"""Replicas that are made at a time: more only wait for each other."""
_ENDS: Final = 16
_TOLD_SECONDS: Final = 15.0
"""So long a drain waits at most for the gateway to know of it."""
_APPLIED_SECONDS: Final = 0.3
"""Within so long after that nothing new comes to a replica: what was sent has arrived."""
_LOOK_SECONDS: Final = 0.05
_SETTLING: Final = (0.1, 0.3, 0.6)
_AGAIN_SECONDS: Final = 5.0
_LONGEST_DRAIN: Final = 3600.0

StartFailed = Callable[[Key, str, bool], None]
"""Gets the reason, and whether the next try can't succeed unless somebody changes something."""
_HOPELESS: Final = (InvalidInput, NotFound, NotSupported)


class Fleet:
    """What goes on with replicas beside the controller's loop; all calls are the loop's."""

    def __init__(
        self, engine: Engine, store: ServingStore, reporter: Reporter, wake: Callable[[], None],
        failed: StartFailed,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._store = store
        self._reporter = reporter
        self._wake = wake
        self._failed = failed
        self._starting = ThreadPoolExecutor(_STARTS, "start")
        self._ending = ThreadPoolExecutor(_ENDS, "end")
        self._numbers: dict[Key, set[int]] = {}
        self._done: list[tuple[Key, int]] = []
        self._watched: dict[str, int] = {}
        self._processes: dict[str, ProcessIdentity] = {}
        self._begun: dict[tuple[Key, int], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._probes: dict[str, asyncio.Task[None]] = {}
        self.ready_since: dict[str, float] = {}
        """Ready replicas, by container, and since when (seconds since 1970)."""
        self.obstacles: dict[str, str] = {}
        """What keeps replicas from serving, by container, as the last probe says."""
        self._since = time.time()
        self._told: dict[str, asyncio.Event] = {}
        self.leaving: dict[str, asyncio.Task[None]] = {}
        """Replicas that are drained or removed."""

    def state(self, container_id: str) -> State:
        """Of a container that runs."""
        if container_id in self.leaving:
            return "draining"
        return "ready" if container_id in self.ready_since else "starting"

    def finished(self) -> list[tuple[Key, int]]:
        """What has been made, or couldn't be, and counts as being made until :meth:`seen`."""
        return list(self._done)

    def seen(self, finished: Iterable[tuple[Key, int]]) -> None:
        """A look at all replicas that began after these were finished has found them."""
        for key, number in finished:
            self._done.remove((key, number))
            self._numbers[key].discard(number)

    def pending(self, key: Key) -> int:
        """How many replicas of a variant are being made."""
        return len(self._numbers.get(key, ()))

    def makes(self, key: Key, number: int) -> bool:
        """Whether a replica is being made now."""
        return number in self._numbers.get(key, ())

    def start(self, key: Key, service: str, template: Template, used: Iterable[int]) -> None:
        """Begins to make a replica with the lowest free number."""
        numbers = self._numbers.setdefault(key, set())
        taken = numbers | set(used)
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        numbers.add(number)
        self._spawn(self._start(key, service, template, number))

    async def _start(self, key: Key, service: str, template: Template, number: int) -> None:
        begun = self._begun[key, number] = time.time()
        try:
            await self._in(
                self._starting,
                lambda: act.start(self._engine, self._store, key, service, template, number),
            )
            took = time.time() - begun
            name = f"{'-'.join(key)}-{number}"
            self._reporter.decided(key, "start", f"{name} was started in {took * 1000:.0f} ms")
        except act.Gone:
            pass
        except DockyardError as error:
            self._failed(key, error.message, isinstance(error, _HOPELESS))
        except Exception as error:  # noqa: BLE001  # told as the reason, and tried again
            self._failed(key, f"{type(error).__name__}: {error}", False)
        finally:
            self._done.append((key, number))
            self._wake()

    def probe(self, key: Key, replica: Replica, variant: Variant) -> None:
        """Sees to it that a replica that runs is known to be ready once it is."""
        if replica.id in self._probes or replica.id in self.ready_since or not replica.backend:
            return
        self._probes[replica.id] = self._spawn(self._probe(key, replica, variant))

    async def _probe(self, key: Key, replica: Replica, variant: Variant) -> None:
        assert replica.backend is not None  # noqa: S101  # see above
        said = functools.partial(self.obstacles.__setitem__, replica.id)
        await probing.until_ready(replica.backend, variant.ready, variant.protocol, said)
        self.obstacles.pop(replica.id, None)
        if replica.id not in self.leaving:
            now = self.ready_since[replica.id] = time.time()
            begun = self._begun.pop((key, replica.number), None)
            if begun is not None:  # else it was ready before this controller was
                words = f"{replica.name} is ready, {(now - begun) * 1000:.0f} ms after it was asked"
                self._reporter.decided(key, "ready", words)
        self._wake()

    def ran(self, replica: Replica, now: float) -> float:
        """For how many seconds one that ended had been ready.

        One that is older than this controller is taken to have been so since its start: when the
        controller is killed as well, what served for long has not crashed at once.
        """
        if 0 < replica.started < self._since:
            return now - replica.started
        return now - self.ready_since.get(replica.id, now)

    def awaited(self, replica: Replica, now: float) -> float:
        """For how many seconds one that isn't ready has been waited for.

        By this controller: one that has served for long may be too busy to tell a new one so.
        """
        return now - max(replica.started, self._since) if replica.started else 0.0

    def watch(self, replica: Replica) -> None:
        """Has the controller look as soon as a replica's program ends."""
        if replica.process is None:
            return
        before = self._processes.setdefault(replica.id, replica.process)
        if before != replica.process:
            self._begin_anew(replica)
        if replica.id in self._watched:
            return
        try:
            descriptor = os.pidfd_open(replica.process.pid)
        except ProcessLookupError:
            return
        self._watched[replica.id] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._ended, replica.id)

    def _begin_anew(self, replica: Replica) -> None:
        """Somebody restarted it: it isn't ready until it says so again."""
        assert replica.process is not None  # noqa: S101  # the caller's case
        self._processes[replica.id] = replica.process
        self.ready_since.pop(replica.id, None)
        self.obstacles.pop(replica.id, None)
        probe = self._probes.pop(replica.id, None)
        if probe is not None:
            probe.cancel()
        if replica.id in self._watched:
            self._unwatch(replica.id)

    def _ended(self, container_id: str) -> None:
        self._unwatch(container_id)
        self._wake()
        for pause in _SETTLING:  # its exit code is written down by another process
            asyncio.get_running_loop().call_later(pause, self._wake)

    def _unwatch(self, container_id: str) -> None:
        descriptor = self._watched.pop(container_id)
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)

    def drain(self, replica: Replica, seconds: float) -> None:
        """Lets a replica finish what it has, and then removes it; it gets nothing new from now.

        Args:
            seconds: how long that may take; an hour where 0.
        """
        if replica.id not in self.leaving:
            self._told[replica.id] = asyncio.Event()
        self._leave(replica, self._drain(replica, seconds or _LONGEST_DRAIN))

    async def _drain(self, replica: Replica, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._told[replica.id].wait(), _TOLD_SECONDS)
        deadline = time.monotonic() + seconds
        await asyncio.sleep(_APPLIED_SECONDS)
        while time.monotonic() < deadline and self._busy(replica):
            await asyncio.sleep(_LOOK_SECONDS)
        await self._remove(replica)

    def _busy(self, replica: Replica) -> bool:
        if replica.process is None or not replica.gateway:
            return False
        port = replica.backend.port if replica.backend is not None else 0
        return connections.open_to(replica.process, port, replica.gateway) > 0

    def told(self) -> None:
        """Gateway and activator know by now of the drains that had begun."""
        for event in self._told.values():
            event.set()

    def remove(self, replica: Replica) -> None:
        """Removes a replica at once."""
        self._leave(replica, self._remove(replica))

    async def _remove(self, replica: Replica) -> None:
        await self._in(self._ending, lambda: act.remove(self._engine, replica.id))

    def _leave(self, replica: Replica, work: Coroutine[Any, Any, None]) -> None:
        if replica.id in self.leaving:
            work.close()
            return
        probe = self._probes.get(replica.id)
        if probe is not None:
            probe.cancel()
        self.leaving[replica.id] = self._spawn(self._left(replica, work))

    async def _left(self, replica: Replica, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  # told, and tried again a while later
            self._reporter.trouble("remove", f"{replica.name}: {type(error).__name__}: {error}")
            await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            self.ready_since.pop(replica.id, None)
            self.leaving.pop(replica.id, None)
            self._told.pop(replica.id, None)
            self._wake()

    def forget(self, present: Iterable[str]) -> None:
        """Forgets replicas that aren't there any more."""
        known = set(present)
        for gone in self.ready_since.keys() - known - self.leaving.keys():
            del self.ready_since[gone]
        for gone in self._probes.keys() - known:
            self._probes.pop(gone).cancel()
        for gone in self.obstacles.keys() - known:
            del self.obstacles[gone]
        for gone in self._processes.keys() - known:
            del self._processes[gone]
        for gone in self._watched.keys() - known:
            self._unwatch(gone)

    async def close(self) -> None:
        """Ends all tasks; what they had begun is found again by the next controller."""
        for watched in tuple(self._watched):
            self._unwatch(watched)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._starting.shutdown(wait=True, cancel_futures=True)
        self._ending.shutdown(wait=True, cancel_futures=True)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
