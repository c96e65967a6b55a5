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

    Args:
        notify: called by a thread that has done something, so that the loop calls
            :meth:`collect`.
    """

    def __init__(self, notify: Callable[[], None], most: int = 4) -> None:
        self._notify = notify
        self._most = most
        self._guard = threading.Lock()
        self._waiting: deque[tuple[Work, Done]] = deque()
        self._finished: deque[tuple[Done, BaseException | None]] = deque()
        self._threads = 0

    def do(self, work: Work, done: Done) -> None:
        """Has ``work`` done by a thread; :meth:`collect` calls ``done`` afterwards."""
        with self._guard:
            self._waiting.append((work, done))
            if self._threads >= self._most:
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
        with self._guard:
            return self._threads > 0 or bool(self._finished)

    def _run(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._threads -= 1
                    return
                work, done = self._waiting.popleft()
            error: BaseException | None = None
            try:
                work()
            except BaseException as caught:  # noqa: BLE001  # told to the one who asked for it
                error = caught
            self._finished.append((done, error))
            self._notify()
