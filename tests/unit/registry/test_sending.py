"""What is sent: just so many bytes, read as they go."""

from __future__ import annotations

import io

import pytest

from dockyard.errors import InvalidInput, StateError
from dockyard.registry.problems import Interrupted
from dockyard.registry.sending import Sendable, exactly, range_of, received


def nothing() -> None:
    pass


def test_a_part_of_a_file_is_sent_and_no_more_is_read() -> None:
    stream = io.BytesIO(b"0123456789" * 100_000)

    sent = b"".join(exactly(stream, 300_005, nothing))

    assert sent == (b"0123456789" * 100_000)[:300_005]
    assert stream.tell() == 300_005


def test_blocks_are_cut_to_the_length() -> None:
    assert b"".join(exactly([b"abc", b"def"], 4, nothing)) == b"abcd"
    assert list(exactly([], 0, nothing)) == []


def test_too_few_bytes_are_no_body() -> None:
    for source in (io.BytesIO(b"abc"), [b"abc"]):
        with pytest.raises(InvalidInput, match="2 bytes are missing"):
            list(exactly(source, 5, nothing))


def test_a_broken_disk_is_not_taken_for_the_network() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(StateError, match="Input/output error"):
        list(exactly(Broken(), 5, nothing))


def test_a_file_can_be_sent_again_from_where_it_stood() -> None:
    stream = io.BytesIO(b"--abc")
    stream.seek(2)
    body = Sendable(stream, 3, nothing)

    assert [b"".join(body()), b"".join(body())] == [b"abc", b"abc"]


def test_what_is_made_on_the_way_can_t() -> None:
    body = Sendable(iter([b"abc"]), 3, nothing)
    list(body())

    with pytest.raises(Interrupted):
        body()


@pytest.mark.parametrize(
    ("header", "count"),
    [
        ("0-99", 100),
        ("bytes=0-99", 100),
        ("0-0", 0),
        ("", None),
        ("5-9", None),
        ("0-", None),
        ("0--1", None),
        ("0-x", None),
        ("0-" + "9" * 50, None),
    ],
)
def test_how_much_has_come_through(header: str, count: int | None) -> None:
    assert received(header) == count


def test_only_later_parts_say_where_they_belong() -> None:
    assert range_of(0, 10) == {}
    assert range_of(10, 5) == {"Content-Range": "10-14"}
