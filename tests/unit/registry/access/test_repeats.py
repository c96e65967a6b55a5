"""How many refusals are written down."""

from __future__ import annotations

import pytest

from dockyard.registry.access import repeats
from dockyard.registry.access.repeats import Repeats


def written(counter: Repeats, address: str, now: float) -> tuple[list[tuple[str, int]], bool]:
    return counter.ended(now), counter.is_first(address, now)


def test_the_first_of_a_minute_is_written_and_the_others_counted() -> None:
    counter = Repeats()
    assert [written(counter, "192.0.2.1", now) for now in (0, 1, 59)] == [
        ([], True), ([], False), ([], False),
    ]  # fmt: skip
    assert written(counter, "192.0.2.2", 59) == ([], True)
    assert written(counter, "192.0.2.1", 60) == ([("192.0.2.1", 2)], True)
    assert counter.ended(200) == []


def test_what_one_attacker_has_many_of_counts_as_one() -> None:
    counter = Repeats()
    assert counter.is_first("2001:db8::1", 0)
    assert not counter.is_first("2001:db8::2", 0)
    assert counter.ended(60) == [("2001:db8::/64", 1)]


def test_a_clock_that_is_set_back_ends_the_minute() -> None:
    counter = Repeats()
    counter.is_first("192.0.2.1", 1000)
    counter.is_first("192.0.2.1", 1000)
    assert counter.ended(0) == [("192.0.2.1", 1)]


def test_many_addresses_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_MOST", 2)
    counter = Repeats()
    told = []
    for number in range(4):
        for _ in range(2):
            told += counter.ended(0)
            counter.is_first(f"192.0.2.{number}", 0)
        assert len(counter._counts) <= 2
    assert [address for address, _ in told] == ["192.0.2.0", "192.0.2.1", "192.0.2.2"][: len(told)]
    assert told
