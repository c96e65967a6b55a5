from __future__ import annotations

import pytest

from dockyard.build.remote import http


@pytest.mark.parametrize(
    ("address", "result"),
    [
        ("169.254.169.254", True), ("169.254.170.2", True), ("::ffff:169.254.169.254", True),
        ("fd00:ec2::254", True), ("fe80::a9fe:a9fe", True), ("100.100.100.200", True),
        ("127.0.0.1", False), ("10.0.0.1", False), ("::1", False), ("example.com", False),
        ("", False),
    ],
)  # fmt: skip
def test_metadata_addresses(address: str, result: bool) -> None:
    assert http.is_metadata(address) is result


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1445412480), ("", 0), ("nonsense", 0),
        ("Thu, 01 Jan 1960 00:00:00 GMT", 0), ("Wed, 99 Oct 2015 07:28:00 GMT", 0),
    ],
)  # fmt: skip
def test_times_of_the_web(text: str, seconds: int) -> None:
    assert http.seconds_of(text) == seconds
