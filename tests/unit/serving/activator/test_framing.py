"""Where bodies end, in whatever pieces they come."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.activator.framing import Chunked, Framing, Length
from dockyard.serving.activator.head import Malformed

REST = b"GET /next"


def encoded(chunks: list[bytes], trailers: bytes = b"") -> bytes:
    body = b"".join(b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk)
    return body + b"0\r\n" + trailers + b"\r\n"


def fed(framing: Framing, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """What is the body's and what is left, where the data comes in such pieces."""
    buffer = bytearray()
    body = b""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        buffer += data[start:end]
        count = framing.scan(buffer)
        body += bytes(buffer[:count])
        del buffer[:count]
    return body, bytes(buffer)


@given(
    st.lists(st.binary(max_size=300)), st.lists(st.integers(0, 5000)),
    st.sampled_from([b"", b"X-Sum: 1\r\n"]),
)  # fmt: skip
def test_chunks_end_where_they_say(chunks: list[bytes], cuts: list[int], trailers: bytes) -> None:
    data = encoded(chunks, trailers)
    framing = Chunked()

    assert fed(framing, data + REST, cuts) == (data, REST)
    assert framing.done


@given(st.binary(max_size=300), st.lists(st.integers(0, 5000)))
def test_a_length_ends_where_it_says(data: bytes, cuts: list[int]) -> None:
    framing = Length(len(data))

    assert fed(framing, data + REST, cuts) == (data, REST)
    assert framing.done


@given(st.lists(st.binary(min_size=1, max_size=300)), st.integers(0, 5000))
def test_what_is_cut_short_is_not_done(chunks: list[bytes], place: int) -> None:
    data = encoded(chunks)
    framing = Chunked()
    fed(framing, data[: place % len(data)], [])

    assert not framing.done


@given(st.binary(max_size=100))
def test_any_bytes_are_chunks_or_refused(data: bytes) -> None:
    framing = Chunked()
    with contextlib.suppress(Malformed):
        body, left = fed(framing, data, [])
        assert body + left == data


@pytest.mark.parametrize(
    "data",
    [
        b"-1\r\n",
        b"0x1\r\nx\r\n", b" 1\r\nx\r\n", b"1 \r\nx\r\n", b"\r\n", b"1\nx\n", b"1;\n\r\nx\r\n",
        b"1\r\nxy\r\n", b"1\r\nx\n", b"1000000000000000\r\n",
        b"0\r\nX-A : 1\r\n", b"0\r\n folded\r\n",
        b"1" * 5000, b"0\r\n" + b"X-A: 1\r\n" * 5000,
    ],
)  # fmt: skip
def test_chunks_that_can_be_read_in_two_ways_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        fed(Chunked(), data, [])
