from __future__ import annotations

import os

import pytest

from dockyard.system.collector import Collector


def test_all_that_was_written_is_taken() -> None:
    pieces: list[bytes] = []
    with Collector(pieces.append) as descriptor:
        for number in range(1000):
            os.write(descriptor, b"%d\n" % number)
    assert b"".join(pieces) == b"".join(b"%d\n" % number for number in range(1000))


def test_an_error_is_raised_in_the_end_and_stops_no_writer() -> None:
    def take(_data: bytes) -> None:
        raise ZeroDivisionError

    def write() -> None:
        with Collector(take) as descriptor:
            for _ in range(100):
                os.write(descriptor, b"x" * 4096)

    with pytest.raises(ZeroDivisionError):
        write()
