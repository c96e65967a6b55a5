"""Threads whose work makes more work, of several kinds; the first failure ends all of it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, Self

from dockyard.system.attentive import next_of

P = ParamSpec("P")


class Crew:
    """Use as a context manager: start work inside, then :meth:`join`.

    Args:
        stop: makes running work end soon; called once where something fails or is interrupted.
        sizes: the kinds of work, and how much of each is done at once.
    """

    def __init__(self, stop: Callable[[], object], **sizes: int) -> None:
        self._stop = stop
        self._pools = {
            kind: ThreadPoolExecutor(size, thread_name_prefix=kind) for kind, size in sizes.items()
        }
        self._guard = threading.Lock()
        self._finished: queue.SimpleQueue[Future[object]] = queue.SimpleQueue()
        self._left = 0

    def start(
        self, kind: str, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Has something done. Work that runs may start more."""
        with self._guard:
            self._left += 1
        try:
            future: Future[object] = self._pools[kind].submit(function, *args, **kwargs)
        except RuntimeError:  # it is being ended
            with self._guard:
                self._left -= 1
            raise
        future.add_done_callback(self._finished.put)

    def join(self) -> None:
        """Waits until all is done.

        Raises:
            Exception: whatever the first work that failed raised.
        """
        while True:
            with self._guard:
                if not self._left:
                    return
            next_of(self._finished).result()
            with self._guard:
                self._left -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exception: object) -> None:
        if kind is not None:
            self._stop()
        with contextlib.ExitStack() as stack:
            for pool in self._pools.values():
                stack.callback(pool.shutdown, cancel_futures=kind is not None)
