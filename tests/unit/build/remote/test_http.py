from __future__ import annotations

import pytest

from dockyard.build.remote import http


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1445412480), ("", 0), ("nonsense", 0),
        ("Thu, 01 Jan 1960 00:00:00 GMT", 0), ("Wed, 99 Oct 2015 07:28:00 GMT", 0),
    ],
)  # fmt: skip
def test_times_of_the_web(text: str, seconds: int) -> None:
    assert http.seconds_of(text) == seconds
