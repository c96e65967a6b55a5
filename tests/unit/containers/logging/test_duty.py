"""The duty of rotating logs, with a host and a store of the test's own, and a real inotify."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dockyard.containers.logging import duty
from dockyard.containers.logging.settings import LogSettings
from dockyard.containers.model import Container, Options
from dockyard.controller.model import NANOSECONDS, Outlook

NOW = 10**18
PAUSE = NANOSECONDS // 20


class FakeHost:
    def __init__(self) -> None:
        self.asked = 0
        self.done: Callable[[BaseException | None], None] = lambda _error: None
        self.watched: dict[int, Callable[[], None]] = {}
        self.journal = SimpleNamespace(error=lambda words: None)

    def do(self, _work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
        self.asked += 1
        self.done = done

    def watch(self, descriptor: int, news: Callable[[], None]) -> None:
        self.watched[descriptor] = news

    def forget(self, descriptor: int) -> None:
        del self.watched[descriptor]

    def hears(self) -> bool:
        """As the loop does: waits for a moment, and passes the news on."""
        found = select.select(list(self.watched), [], [], 0)[0]
        for descriptor in found:
            self.watched[descriptor]()
        return bool(found)


class Setting:
    """One container with a limit of 1000 bytes."""

    def __init__(self, directory: Path) -> None:
        (directory / "c").mkdir()
        self.log = directory / "c" / "container.log"
        self.host = FakeHost()
        self.present = [Container(
            id="c", name="c", image_id="i", image_name="i", state="running", created=0,
            options=Options(), log=LogSettings(max_size=1000, max_files=3),
        )]  # fmt: skip
        paths = SimpleNamespace(
            log=lambda key: f"{directory}/{key}/container.log",
            container=lambda key: f"{directory}/{key}",
        )
        parts: Any = SimpleNamespace(
            paths=paths, store=SimpleNamespace(with_limited_log=lambda: self.present)
        )
        host: Any = self.host
        self.duty = duty.RotateDuty(parts, host)

    def write(self, size: int) -> None:
        with self.log.open("ab") as stream:
            stream.write(b"x" * size)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    made.write(10)
    assert made.duty.look(NOW) == Outlook(1, NOW + PAUSE)  # whether it is written isn't known yet
    assert made.duty.look(NOW + PAUSE) == Outlook(1, None)
    yield made
    made.present = []
    assert made.duty.look(NOW + 10**12) == Outlook(0, None)
    assert made.host.watched == {}


def test_a_log_that_stands_still_costs_nothing_until_it_is_written(setting: Setting) -> None:
    assert not setting.host.hears()
    setting.write(10)
    assert setting.host.hears()
    assert setting.duty.look(NOW + 10**10) == Outlook(1, NOW + 10**10 + PAUSE)
    assert setting.host.watched == {}, "while it grows, it is looked at instead"
    assert setting.host.asked == 0


def test_one_that_would_be_full_at_the_next_look_is_rotated(setting: Setting) -> None:
    setting.write(490)
    setting.duty.look(NOW + 2 * PAUSE)
    assert setting.host.asked == 0
    setting.write(400)
    setting.duty.look(NOW + 2 * PAUSE + 1)  # woken for another reason: it isn't time yet
    assert setting.host.asked == 0
    setting.duty.look(NOW + 3 * PAUSE)
    assert setting.host.asked == 1
    setting.write(200)
    assert setting.duty.look(NOW + 4 * PAUSE) == Outlook(1, NOW + 5 * PAUSE)
    assert setting.host.asked == 1, "one at a time"
    setting.log.write_bytes(b"x" * 30)
    setting.host.done(None)
    setting.duty.look(NOW + 5 * PAUSE)
    assert setting.duty.look(NOW + 6 * PAUSE) == Outlook(1, None)


def test_without_room_for_a_watch_it_looks_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(24, "no inotify left")

    monkeypatch.setattr(duty, "WriteWatch", full)
    made = Setting(tmp_path)
    made.duty.look(NOW)
    outlook = made.duty.look(NOW + PAUSE)
    assert outlook.due is not None
    assert outlook.due - NOW < NANOSECONDS
