from __future__ import annotations

import pytest

from dockyard.build.golang import duration, quoted_rune


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"), (90 * 10**9, "1m30s"), (5 * 10**8, "500ms"), (10**9, "1s"), (1500, "1.5µs"),
        (3600 * 10**9, "1h0m0s"), (3_661_500_000_000, "1h1m1.5s"), (7, "7ns"),
        (1_000_000_001, "1.000000001s"),
    ],
)  # fmt: skip
def test_durations(nanoseconds: int, text: str) -> None:
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, r"\x00"), (3, r"\x03"), (7, r"\a"), (10, r"\n"), (39, r"\'"), (65, "A"), (92, r"\\"),
     (127, r"\x7f"), (0x80, r"\u0080")],
)  # fmt: skip
def test_runes(number: int, text: str) -> None:
    assert quoted_rune(number) == text
