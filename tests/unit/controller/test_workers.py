"""Acts in threads."""

from __future__ import annotations

import functools
import threading

from dockyard.controller.workers import Workers


def test_acts_are_done_a_few_at_a_time_and_told_of_in_the_loop() -> None:
    """The loop's own thread gets the results, errors too."""
    rang = threading.Semaphore(0)
    workers = Workers(rang.release, most=2)
    gate = threading.Barrier(3)
    results: list[tuple[int, BaseException | None]] = []

    def meet() -> None:
        gate.wait(10)

    def fail() -> None:
        raise ValueError("no")

    def told(number: int, error: BaseException | None) -> None:
        results.append((number, error))

    for number, work in enumerate((meet, meet, fail)):
        workers.do(work, functools.partial(told, number))
    assert workers.busy
    gate.wait(10)  # both threads are at work, so the third act waited
    for _ in range(3):
        assert rang.acquire(timeout=10)
    assert results == []
    workers.collect()

    assert sorted(number for number, _ in results) == [0, 1, 2]
    assert [type(error) for number, error in sorted(results, key=lambda one: one[0])] == [
        type(None), type(None), ValueError,
    ]  # fmt: skip
    workers.close()


def test_what_waits_is_dropped_at_the_end() -> None:
    rang = threading.Semaphore(0)
    workers = Workers(rang.release, most=1)
    begun, gate = threading.Event(), threading.Event()
    done: list[str] = []

    def hold() -> None:
        begun.set()
        gate.wait(10)

    workers.do(hold, lambda error: done.append("held"))
    workers.do(lambda: done.append("never"), lambda error: None)
    assert begun.wait(10)
    workers.close()
    gate.set()
    assert rang.acquire(timeout=10)
    workers.collect()

    assert done == ["held"]
