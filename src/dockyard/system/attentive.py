"""Waiting for other threads such that signals are noticed.

Python runs a signal's handler when its main thread runs. A signal that comes between its last look
and the wait itself ends no wait: on a busy machine one of twenty Ctrl-C was noticed only at the end
of what was to be ended. So who waits in the main thread looks up now and then.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, wait
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.2


def next_of(items: queue.SimpleQueue[T]) -> T:
    """The next item of a queue, as :meth:`queue.SimpleQueue.get`."""
    while True:
        with contextlib.suppress(queue.Empty):
            return items.get(timeout=LOOK_SECONDS)


def first_of(futures: Collection[Future[T]]) -> set[Future[T]]:
    """Those that have ended, once one has; empty where there are none."""
    while True:
        done, pending = wait(futures, LOOK_SECONDS, FIRST_COMPLETED)
        if done or not pending:
            return done


def all_of(futures: Collection[Future[T]]) -> set[Future[T]]:
    """Those that have ended, once all have or one has failed."""
    while True:
        done, pending = wait(futures, LOOK_SECONDS, FIRST_EXCEPTION)
        if not pending or any(_failed(each) for each in done):
            return done


def _failed(future: Future[T]) -> bool:
    return future.cancelled() or future.exception() is not None
