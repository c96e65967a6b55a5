"""Work in threads that makes more work."""

from __future__ import annotations

import threading

import pytest

from dockyard.registry.crew import Crew


def test_work_that_makes_work_is_done_to_the_end() -> None:
    done: list[int] = []

    def work(crew: Crew, depth: int) -> None:
        done.append(depth)
        if depth:
            crew.start("many", work, crew, depth - 1)
            crew.start("one", work, crew, depth - 1)

    with Crew(pytest.fail, many=3, one=1) as crew:
        crew.start("one", work, crew, 5)
        crew.join()
    assert len(done) == 63


def test_the_first_failure_ends_all() -> None:
    stopped = threading.Event()

    def wait() -> None:
        assert stopped.wait(10)
        raise RuntimeError("because of the other")

    def fail() -> None:
        raise ValueError("the first")

    def use(crew: Crew) -> None:
        crew.start("many", wait)
        crew.start("many", fail)
        crew.join()

    with pytest.raises(ValueError, match="the first"), Crew(stopped.set, many=2) as crew:
        use(crew)
    assert stopped.is_set()


def test_no_work_is_no_wait() -> None:
    with Crew(pytest.fail, many=1) as crew:
        crew.join()
