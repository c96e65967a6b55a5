"""Threads for acts that take their time, so that the controller's loop doesn't."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Work = Callable[[], None]
Done = Callable[[BaseException | None], None]
"""Called in the loop's own thread with what went wrong, or ``None``."""


class Workers:
    """At most so many acts at a time; the others wait for their turn.

    Threads are made when needed and stay: each has a connection to the database.

    Args:
        notify: called by a thread that has done something, so that the loop calls
            :meth:`collect`.
    """

    def __init__(self, notify: Callable[[], None], most: int = 4) -> None:
        self._notify = notify
        self._most = most
        self._change = threading.Condition()
        self._waiting: deque[tuple[Work, Done]] = deque()
        self._finished: deque[tuple[Done, BaseException | None]] = deque()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def do(self, work: Work, done: Done) -> None:
        """Has ``work`` done by a thread; :meth:`collect` calls ``done`` afterwards."""
        with self._change:
            self._waiting.append((work, done))
            self._change.notify()
            if self._idle >= len(self._waiting) or self._threads >= self._most:
                return
            self._threads += 1
        threading.Thread(target=self._run).start()

    def collect(self) -> None:
        """Tells of what is done."""
        while self._finished:
            done, error = self._finished.popleft()
            done(error)

    @property
    def busy(self) -> bool:
        """True while something is being done, or not yet told of."""
        with self._change:
            return self._threads > self._idle or bool(self._waiting or self._finished)

    def close(self) -> None:
        """What is being done will be finished, what waits is dropped, and the threads end."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            self._change.notify_all()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            work, done = task
            error: BaseException | None = None
            try:
                work()
            except BaseException as caught:  # noqa: BLE001  # told to the one who asked for it
                error = caught
            self._finished.append((done, error))
            self._notify()

    def _next(self) -> tuple[Work, Done] | None:
        with self._change:
            self._idle += 1
            while not (self._waiting or self._closed):
                self._change.wait()
            self._idle -= 1
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None
