from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.solver import Cancellation, solve


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, tuple[int, ...]]:
    count = draw(st.integers(1, 12))
    return {
        vertex: tuple(draw(st.sets(st.integers(0, vertex - 1), max_size=3)) if vertex else ())
        for vertex in range(count)
    }


@given(graphs(), st.integers(1, 4))
def test_each_vertex_is_done_once_after_its_inputs(
    graph: dict[int, tuple[int, ...]], parallel: int
) -> None:
    done: list[int] = []

    def work(vertex: int, inputs: Sequence[int]) -> int:
        assert tuple(inputs) == graph[vertex]
        done.append(vertex)
        return vertex

    assert solve(graph, work, Cancellation(), parallel=parallel) == {v: v for v in graph}
    assert sorted(done) == sorted(graph)


def test_independent_ones_are_done_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)

    def work(vertex: int, _inputs: Sequence[int]) -> int:
        if vertex < 3:
            meeting.wait()
        return vertex

    assert len(solve({0: (), 1: (), 2: (), 3: (0, 1, 2)}, work, Cancellation(), parallel=3)) == 4


def test_a_failure_interrupts_the_others_and_is_raised() -> None:
    cancellation = Cancellation()
    interrupted = threading.Event()
    started: list[int] = []
    waiting = threading.Event()

    def work(vertex: int, _inputs: Sequence[int]) -> int:
        started.append(vertex)
        if vertex == 0:
            assert waiting.wait(10)
            raise ValueError("first")
        undo = cancellation.register(interrupted.set)
        waiting.set()
        assert interrupted.wait(10)
        undo()
        return vertex

    with pytest.raises(ValueError, match="first"):
        solve({0: (), 1: (), 2: (0,), 3: (1,)}, work, cancellation, parallel=2)
    assert cancellation.requested
    assert sorted(started) == [0, 1]


def test_who_registers_too_late_is_interrupted_at_once() -> None:
    cancellation = Cancellation()
    cancellation.request()
    called: list[int] = []
    cancellation.register(lambda: called.append(1))

    assert called == [1]
