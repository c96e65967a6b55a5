"""Executes a graph: every vertex once, after its inputs, independent ones at the same time.

Knows nothing of containers, layers or Dockerfiles: what a vertex yields is whatever the worker
returns. The first failure stops the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from dockyard.system.attentive import first_of

_R = TypeVar("_R")

Worker = Callable[[int, Sequence[_R]], _R]
"""Gets a vertex and the results of its inputs."""


class Cancellation:
    """Tells running work to stop, and calls what interrupts it."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._interrupts: set[Callable[[], None]] = set()
        self._guard = threading.Lock()

    @property
    def requested(self) -> bool:
        return self._set.is_set()

    def request(self) -> None:
        """Asks all work to stop. Idempotent."""
        with self._guard:
            self._set.set()
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            interrupt()

    def register(self, interrupt: Callable[[], None]) -> Callable[[], None]:
        """Calls ``interrupt`` on request (at once if already requested); returns the undoing."""
        with self._guard:
            self._interrupts.add(interrupt)
            late = self._set.is_set()
        if late:
            interrupt()
        return lambda: self._interrupts.discard(interrupt)


def solve(
    inputs: Mapping[int, Sequence[int]],
    worker: Worker[_R],
    cancellation: Cancellation,
    *,
    parallel: int,
) -> dict[int, _R]:
    """Runs ``worker`` for every vertex.

    Args:
        inputs: vertex to the vertices whose results it needs, all of them keys too.
        cancellation: requested when a vertex fails or the caller is interrupted.
        parallel: how many vertices are worked on at once.

    Returns:
        The result of each vertex.

    Raises:
        Whatever the first failing worker raised, after all the others have stopped.
    """
    results: dict[int, _R] = {}
    running: dict[Future[_R], int] = {}
    pending = dict.fromkeys(sorted(inputs))
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="step") as pool:
        try:
            while pending or running:
                for vertex in _ready(pending, inputs, results):
                    del pending[vertex]
                    found = [results[each] for each in inputs[vertex]]
                    running[pool.submit(worker, vertex, found)] = vertex
                for future in first_of(running):
                    results[running.pop(future)] = future.result()
        except BaseException:
            cancellation.request()
            for future in running:
                future.cancel()
            raise
    return results


def _ready(
    pending: Mapping[int, None], inputs: Mapping[int, Sequence[int]], results: Mapping[int, object]
) -> list[int]:
    return [vertex for vertex in pending if all(each in results for each in inputs[vertex])]
