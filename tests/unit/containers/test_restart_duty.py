"""The duty of restarting, with a host and a store of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from dockyard.containers.model import Container, Options, Restarts
from dockyard.containers.restart import duty
from dockyard.containers.restart.duty import RestartDuty
from dockyard.controller.model import RETRY, Outlook
from dockyard.errors import DiskFull

NOW = 10**18


class FakeHost:
    def __init__(self) -> None:
        self.asked: list[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = []
        self.errors: list[str] = []
        self.journal = SimpleNamespace(error=self.errors.append)

    def do(self, work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
        self.asked.append((work, done))


class FakeParts:
    def __init__(self, *waiting: Container) -> None:
        self.waiting = list(waiting)
        self.store = SimpleNamespace(restarting=lambda: self.waiting)


def waiting(name: str, due: int) -> Container:
    return Container(
        id=name * 64, name=name, image_id="i", image_name="i", state="restarting", created=0,
        options=Options(), restarts=Restarts(due=due),
    )  # fmt: skip


def make(*containers: Container) -> tuple[RestartDuty, FakeHost, FakeParts]:
    host, parts = FakeHost(), FakeParts(*containers)
    made: Any = RestartDuty
    return made(parts, host), host, parts


def test_those_that_are_due_are_started_once_and_the_others_waited_for() -> None:
    subject, host, parts = make(waiting("a", NOW), waiting("b", NOW + 7), waiting("c", NOW + 9))

    assert subject.look(NOW) == Outlook(3, NOW + 7)
    assert subject.look(NOW) == Outlook(3, NOW + 7)
    assert len(host.asked) == 1
    parts.waiting = parts.waiting[1:]
    host.asked[0][1](None)
    assert subject.look(NOW) == Outlook(2, NOW + 7)


def test_nothing_waits() -> None:
    assert make()[0].look(NOW) == Outlook(0, None)


def test_a_failure_that_changed_nothing_is_not_repeated_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk, say: the record still has a moment that has passed."""
    monkeypatch.setattr(duty, "time", SimpleNamespace(time_ns=lambda: NOW))
    subject, host, parts = make(waiting("a", NOW))
    subject.look(NOW)
    host.asked.pop()[1](DiskFull("/somewhere"))

    assert subject.look(NOW) == Outlook(1, NOW + RETRY)
    assert host.asked == []
    assert "container a could not be restarted" in host.errors[0]
    assert subject.look(NOW + RETRY) == Outlook(1, None)
    assert len(host.asked) == 1
    parts.waiting = [msgspec.structs.replace(parts.waiting[0], restarts=Restarts(due=NOW * 2))]
    host.asked.pop()[1](None)
    assert subject.look(NOW + RETRY) == Outlook(1, NOW * 2)
