"""The controller's loop, with duties of the test's own, in this process."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockyard.controller import client, journal
from dockyard.controller.host import Host
from dockyard.controller.journal import Journal
from dockyard.controller.model import Outlook
from dockyard.state.paths import Paths


class FakeDuty:
    name = "fake"

    def __init__(self, look: Callable[[int], Outlook]) -> None:
        self.look = look
        self.ended = False

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    made = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    made.prepare()
    Path(made.database).touch()
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


def host(paths: Paths) -> Host:
    return Host(paths, Journal(paths.controller_log))


def nothing() -> bool:
    return False


def test_it_ends_when_nothing_is_watched_and_tells_of_itself_until_then(paths: Paths) -> None:
    seen: list[int] = []

    def look(now: int) -> Outlook:
        known = client.keeper(paths)
        seen.append(known.duties["fake"] if known is not None else -1)
        return Outlook(2, now) if len(seen) < 3 else Outlook()

    host(paths).run([FakeDuty(look)], nothing)

    assert seen[:3] == [-1, 2, 2]
    assert not client.wake(paths)


def test_who_writes_something_down_during_its_last_look_is_not_missed(paths: Paths) -> None:
    """The look with the pipe closed finds it, and the loop goes on."""
    looks = [Outlook(), Outlook(1, 0), Outlook(1, 0), Outlook(), Outlook()]
    readable: list[bool] = []

    def look(_now: int) -> Outlook:
        readable.append(client.wake(paths))
        return looks[len(readable) - 1]

    host(paths).run([FakeDuty(look)], nothing)

    assert readable == [True, False, True, True, False]


def test_a_duty_or_an_act_that_fails_takes_nobody_along(paths: Paths) -> None:
    subject = host(paths)
    done: list[BaseException | None] = []

    def work() -> None:
        raise OSError("no room")

    def told(error: BaseException | None) -> None:
        done.append(error)
        raise RuntimeError("the one who asked fails too")

    def good(now: int) -> Outlook:
        if not done:
            subject.do(work, told)
        return Outlook(0 if done else 1, now)

    failures: list[int] = []

    def bad(_now: int) -> Outlook:
        failures.append(1)
        if done:
            return Outlook()
        raise ValueError("broken")

    subject.run([FakeDuty(bad), FakeDuty(good)], nothing)

    text = journal.read(paths.controller_log)
    assert "fake: ValueError: broken" in text
    assert "work: RuntimeError: the one who asked fails too" in text
    assert str(done[0]) == "no room"


def test_a_signal_ends_it_and_what_its_duties_began(paths: Paths) -> None:
    duty = FakeDuty(lambda now: Outlook(1, None))
    subject = host(paths)
    duty.look = lambda now: _terminated()
    begun = time.monotonic()

    subject.run([duty], nothing)

    assert duty.ended
    assert time.monotonic() - begun < 5


def _terminated() -> Outlook:
    signal.raise_signal(signal.SIGTERM)
    return Outlook(1, None)


def test_it_ends_when_its_root_is_gone(paths: Paths) -> None:
    def look(_now: int) -> Outlook:
        Path(paths.database).unlink()
        return Outlook(1, None)

    duty = FakeDuty(look)
    host(paths).run([duty], nothing)

    assert duty.ended
