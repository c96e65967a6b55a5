"""Actions are done after those that they have to follow, and a failure keeps others back."""

from __future__ import annotations

import threading
import time

import pytest

from dockyard.compose import runner
from dockyard.compose.actions import Action, Await, Pause, Running
from dockyard.compose.runner import Waiting
from dockyard.errors import Conflict


def action(key: str, *after: str) -> Action:
    return Running(key=key, after=after, service="", name=key)


def wait(key: str, *after: str) -> Await:
    return Await(key=key, after=after, dependent="", service=key, condition="service_healthy",
                 targets=(key,), names=(key,))  # fmt: skip


def never(_action: Waiting) -> bool:
    return False


def test_each_follows_those_that_it_names() -> None:
    done: list[str] = []
    stage = [action("c", "a", "b"), action("b", "a"), action("a"), action("d", "elsewhere")]

    runner.run(stage, lambda each: done.append(each.key), never)

    assert sorted(done) == ["a", "b", "c", "d"]
    assert done.index("a") < done.index("b") < done.index("c")


def test_what_does_not_wait_for_each_other_is_done_at_once() -> None:
    together = threading.Barrier(3, timeout=10)

    runner.run([action("a"), action("b"), action("c")], lambda _each: together.wait(), never)


def test_no_more_at_once_than_asked() -> None:
    running, most, guard = 0, 0, threading.Lock()

    def perform(_action: Action) -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with guard:
            running -= 1

    runner.run([action(str(number)) for number in range(6)], perform, never, parallel=2)

    assert most <= 2


def test_what_is_waited_for_keeps_only_its_followers_waiting() -> None:
    done: list[str] = []
    looked: list[str] = []

    def arrived(each: Waiting) -> bool:
        looked.append(each.key)
        return "other" in done and len(looked) > 1

    stage = [wait("db"), action("web", "db"), action("other")]
    runner.run(stage, lambda each: done.append(each.key), arrived)

    assert done == ["other", "web"]


def test_the_first_failure_keeps_the_rest_back() -> None:
    done: list[str] = []

    def perform(each: Action) -> None:
        if each.key == "bad":
            raise Conflict("no")
        done.append(each.key)

    with pytest.raises(Conflict, match="no"):
        runner.run([action("bad"), action("after", "bad"), wait("late", "bad")], perform, never)

    assert done == []


def test_waiting_ends_at_the_deadline() -> None:
    with pytest.raises(runner.Late, match="timeout waiting for db"):
        runner.run([wait("db")], print, never, deadline=time.monotonic())


def test_nothing_is_begun_or_waited_for_once_it_is_cancelled() -> None:
    done: list[str] = []

    def cancelled() -> bool:
        return "a" in done

    stage = [action("a"), action("b", "a"), wait("db", "a"), wait("other")]
    runner.run(stage, lambda each: done.append(each.key), never, cancelled=cancelled)
    runner.run([action("c")], lambda each: done.append(each.key), never, cancelled=cancelled)

    assert done == ["a"]


def test_failures_side_by_side_are_all_named() -> None:
    together = threading.Barrier(3, timeout=10)

    def perform(each: Action) -> None:
        together.wait()
        if each.key != "good":
            raise Conflict(f"{each.key} is taken")

    with pytest.raises(Conflict) as caught:
        runner.run([action("a"), action("b"), action("good")], perform, never)

    error = caught.value
    assert {error.message, error.context} in (
        {"a is taken", "also: b is taken"}, {"b is taken", "also: a is taken"},
    )  # fmt: skip


def test_actions_that_follow_each_other_are_a_fault() -> None:
    with pytest.raises(RuntimeError, match="follow each other: a, b"):
        runner.run([action("a", "b"), action("b", "a"), action("c")], lambda _each: None, never)


def test_actions_that_share_a_key_are_a_fault() -> None:
    with pytest.raises(RuntimeError, match="have the key a"):
        runner.run([action("a"), action("a", "b"), action("b")], lambda _each: None, never)


def test_a_pause_takes_no_thread_and_can_be_broken_off() -> None:
    done: list[str] = []
    stage = [Pause(key="pause", service="web", seconds=3600), action("b", "pause"), action("a")]

    runner.run(stage, lambda each: done.append(each.key), never, cancelled=lambda: "a" in done)

    assert done == ["a"]
