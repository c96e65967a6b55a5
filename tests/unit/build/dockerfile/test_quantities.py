from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.dockerfile.quantities import parse_bool, parse_duration, parse_size
from dockyard.errors import BuildError


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("30s", 30_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1.5h", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("1h2m3s4ms5us6ns", 3_723_004_005_006),
        ("5µs", 5_000),
        ("5μs", 5_000),
        ("-1s", -1_000_000_000),
        ("+1s", 1_000_000_000),
    ],
)
def test_durations_are_gos(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "s", "1 s", "1d", "1s2", "1e3s", ".s", "9999999h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BuildError, match="duration"):
        parse_duration(text)


@given(st.integers(0, 10**15))
def test_a_duration_in_nanoseconds_is_exact(nanoseconds: int) -> None:
    assert parse_duration(f"{nanoseconds}ns") == nanoseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("64k", 65_536), ("64KB", 65_536), ("1.5GiB", 1_610_612_736), ("2 m", 2**21)],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1x", "1kk"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(BuildError, match="invalid size"):
        parse_size(text)


def test_truth_values_are_gos() -> None:
    assert [parse_bool(text) for text in ("1", "t", "TRUE", "0", "False")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(BuildError, match='invalid boolean "yes"'):
        parse_bool("yes")
