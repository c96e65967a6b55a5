from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.oci import times


@given(st.integers(0, 4_000_000_000))
def test_seconds_survive_the_round(seconds: int) -> None:
    assert times.parse_rfc3339(times.rfc3339(seconds)) == seconds


def test_fractions_and_offsets_are_understood() -> None:
    assert times.parse_rfc3339("1970-01-01T01:00:01.999+01:00") == 1


def test_others_are_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        times.parse_rfc3339("yesterday")
