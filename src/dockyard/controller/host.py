"""The controller's loop: sleeps until a duty is due, a descriptor has news, or someone wakes it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence

import msgspec

from dockyard.controller import client, schedule
from dockyard.controller.journal import Journal
from dockyard.controller.model import NANOSECONDS, RETRY, Duty, Heartbeat, Outlook
from dockyard.controller.workers import Done, Work, Workers
from dockyard.state.paths import Paths
from dockyard.system import host, syscalls

_PIECE = 1 << 12


class Host:
    """What duties live in. One thread calls everything but the work given to :meth:`do`."""

    def __init__(self, paths: Paths, journal: Journal, *, standing: bool = False) -> None:
        identity = host.identify(os.getpid())
        if identity is None:
            raise RuntimeError("/proc doesn't know this process")
        self.process = identity
        self.journal = journal
        self._paths = paths
        self._standing = standing
        self._since = time.time_ns()
        self._selector = selectors.DefaultSelector()
        self._workers = Workers(self.wake)
        self._pipe = -1
        self._stopping = False
        self._idle_since: int | None = None
        self._told: dict[str, int] | None = None
        self._beaten = 0
        with contextlib.suppress(FileExistsError):
            os.mkdir(paths.controller, 0o700)
        self._open_pipe()
        self._watch_removal()

    def watch(self, descriptor: int, news: Callable[[], None]) -> None:
        """Has ``news`` called when the descriptor can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, news)

    def forget(self, descriptor: int) -> None:
        """Ends :meth:`watch`."""
        self._selector.unregister(descriptor)

    def do(self, work: Work, done: Done) -> None:
        """Has a thread do ``work``, and then calls ``done`` in the loop."""
        self._workers.do(work, done)

    def wake(self) -> None:
        """Has the loop go round once more. For any thread."""
        client.wake(self._paths)

    def run(self, duties: Sequence[Duty], containers: Callable[[], bool]) -> None:
        """Goes on until nothing is left to supervise, or until it is told to stop.

        Args:
            containers: whether the root has any.
        """
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        try:
            while not self._stopping and self._present():
                outlooks = self._look(duties)
                now = time.time_ns()
                ends = self._ends(outlooks, containers, now)
                if ends is not None and ends <= now and self._nothing_after_all(duties):
                    return
                self._beat(duties, outlooks)
                self._wait(schedule.pause(outlooks, now, ends))
            for duty in duties:
                duty.end()
        finally:
            self._workers.close()
            self._close_pipe()

    def _look(self, duties: Sequence[Duty]) -> list[Outlook]:
        self._guarded("work", self._workers.collect)
        return [self._ask(duty) for duty in duties]

    def _ask(self, duty: Duty) -> Outlook:
        """One duty that fails must not take the others along."""
        now = time.time_ns()
        try:
            return duty.look(now)
        except Exception as error:  # noqa: BLE001  # logged, and tried again
            self.journal.error(f"{duty.name}: {type(error).__name__}: {error}")
            return Outlook(1, now + RETRY)

    def _ends(
        self, outlooks: Sequence[Outlook], containers: Callable[[], bool], now: int
    ) -> int | None:
        if schedule.watched(outlooks) or self._workers.busy:
            self._idle_since = None
            return None
        self._idle_since = now if self._idle_since is None else self._idle_since
        return schedule.end_of_grace(
            self._idle_since, containers=containers(), standing=self._standing
        )

    def _nothing_after_all(self, duties: Sequence[Duty]) -> bool:
        """The last look, with the pipe closed: who writes something down now starts another."""
        self._close_pipe()
        if not schedule.watched(self._look(duties)):
            return True
        self._open_pipe()
        return False

    def _beat(self, duties: Sequence[Duty], outlooks: Sequence[Outlook]) -> None:
        """Tells what there is to do, but the same thing once a second at most."""
        counts = {duty.name: one.watched for duty, one in zip(duties, outlooks, strict=True)}
        now = time.monotonic_ns()
        if counts == self._told and now - self._beaten < NANOSECONDS:
            return
        self._told, self._beaten = counts, now
        beat = Heartbeat(
            process=self.process, beat=now, since=self._since,
            standing=self._standing, duties=counts,
        )  # fmt: skip
        path = client.heartbeat_file(self._paths)
        with contextlib.suppress(FileNotFoundError):  # the root is being deleted
            with open(f"{path}.new", "wb") as stream:
                stream.write(msgspec.json.encode(beat))
            os.rename(f"{path}.new", path)

    def _wait(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._guarded("news", key.data)

    def _guarded(self, what: str, call: Callable[[], None]) -> None:
        """What goes wrong with one object is noted, and must not end the supervision of all."""
        try:
            call()
        except Exception as error:  # noqa: BLE001  # noted
            self.journal.error(f"{what}: {type(error).__name__}: {error}")

    def _present(self) -> bool:
        """False when the root was deleted."""
        return os.path.exists(self._paths.database) and os.path.isdir(self._paths.controller)

    def _open_pipe(self) -> None:
        path = client.wake_pipe(self._paths)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.watch(self._pipe, self._drain)

    def _close_pipe(self) -> None:
        if self._pipe >= 0:
            self.forget(self._pipe)
            os.close(self._pipe)
            self._pipe = -1

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._pipe, _PIECE):
                pass

    def _watch_removal(self) -> None:
        """Wakes when the root's directories go; where that can't be had, the next beat notices."""
        with contextlib.suppress(OSError):
            descriptor = syscalls.watch_removal(self._paths.controller, self._paths.root)
            self.watch(descriptor, lambda: _read_some(descriptor))

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True
        self.wake()


def _read_some(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(descriptor, _PIECE)
