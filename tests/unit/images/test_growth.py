"""Which archives grow as only a bomb does."""

from __future__ import annotations

import pytest

from dockyard.images.growth import BOUNDS, passed

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("read", "content", "blank", "ratio"),
    [
        (65_686, 0, 2_150_000_000, 5_000),  # what an audit made of zeros, with zstd
        (65_686, 2_150_000_000, 0, 500),
        (40, GIB, 0, None),  # whatever it is, a gigabyte is no harm
        (40, GIB + 1, 0, 500),
        (20 * MIB, 0, 20 * GIB, None),  # zeros as gzip packs them: 1,029 to one
        (2 * MIB, 3 * MIB, 9 * GIB, None),  # a new disk image beside some programs, with zstd
        (10 * GIB, 30 * GIB, 0, None),  # a real image
        (10 * MIB, 9 * GIB, 0, 500),  # one byte over and over, as gzip packs it
        (100 * MIB, 10 * GIB, 0, None),  # a log that repeats itself
    ],
)
def test_the_bounds(read: int, content: int, blank: int, ratio: int | None) -> None:
    assert passed(BOUNDS, read=read, content=content, blank=blank) == ratio
