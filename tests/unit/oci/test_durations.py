from __future__ import annotations

import pytest

from dockyard.oci.durations import LONGEST, go_duration, parse_go_duration


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"), (90 * 10**9, "1m30s"), (5 * 10**8, "500ms"), (10**9, "1s"), (1500, "1.5µs"),
        (3600 * 10**9, "1h0m0s"), (3_661_500_000_000, "1h1m1.5s"), (7, "7ns"),
        (1_000_000_001, "1.000000001s"),
    ],
)  # fmt: skip
def test_they_are_printed_as_in_go(nanoseconds: int, text: str) -> None:
    assert go_duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(30, "30s"), (90, "1m30s"), (3600, "1h0m0s"), (1.5, "1.5s"), (0.5, "500ms"), (60, "1m0s"),
     (0.0015, "1.5ms")],
)  # fmt: skip
def test_seconds_and_their_fractions(seconds: float, text: str) -> None:
    assert go_duration(round(seconds * 10**9)) == text


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0), ("1m30s", 90 * 10**9), ("1.5h", 5400 * 10**9), ("-5ms", -5 * 10**6),
        (".5s", 5 * 10**8),
        ("1.s", 10**9), ("1us1µs1μs", 3000), ("0.0000000019s", 1), ("+1ns", 1),
    ],
)  # fmt: skip
def test_they_are_read_as_in_go(text: str, nanoseconds: int) -> None:
    assert parse_go_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "1d", "--1s", "1s-", ".", "1.2.3s", "٣s"])
def test_what_is_no_duration(text: str) -> None:
    assert parse_go_duration(text) is None


def test_what_go_cannot_hold_is_left_to_the_caller() -> None:
    found = parse_go_duration("2562048h")
    assert found is not None
    assert found > LONGEST
