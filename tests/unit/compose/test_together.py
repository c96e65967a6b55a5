"""Things that are done side by side, each after what it needs."""

from __future__ import annotations

import threading

import pytest

from dockyard.compose import together


def test_each_comes_after_what_it_needs() -> None:
    done: list[str] = []
    together.in_order({"web": ["api"], "api": ["db", "elsewhere"], "db": []}, done.append)
    assert done == ["db", "api", "web"]


def test_what_needs_nothing_is_done_at_once() -> None:
    meet = threading.Barrier(3, timeout=10)
    together.at_once("abc", lambda _name: meet.wait())


def test_no_more_than_allowed_are_done_at_once() -> None:
    running, most, guard = 0, 0, threading.Lock()

    def act(_name: str) -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with guard:
            running -= 1

    together.at_once("abcdef", act, parallel=2)
    assert most == 2


def test_a_failure_is_raised_once_the_others_are_over_and_nothing_new_begins() -> None:
    slow, done = threading.Event(), []

    def act(name: str) -> None:
        if name == "bad":
            slow.set()
            raise ValueError(name)
        slow.wait(10)
        done.append(name)

    with pytest.raises(ValueError, match="bad"):
        together.in_order({"bad": [], "slow": [], "after": ["bad"], "last": ["slow"]}, act)
    assert done == ["slow"]
