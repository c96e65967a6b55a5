from __future__ import annotations

import pytest

from dockyard.build.golang import quoted_rune


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, r"\x00"), (3, r"\x03"), (7, r"\a"), (10, r"\n"), (39, r"\'"), (65, "A"), (92, r"\\"),
     (127, r"\x7f"), (0x80, r"\u0080")],
)  # fmt: skip
def test_runes(number: int, text: str) -> None:
    assert quoted_rune(number) == text
