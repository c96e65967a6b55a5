"""Heads are passed on as they came, or refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.activator import head
from dockyard.serving.activator.head import Malformed

token = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12).map(str.encode)
value = st.binary(max_size=20).map(
    lambda data: bytes(byte for byte in data if byte >= 0x20 and byte != 0x7F)
)
KNOWN = {
    b"connection", b"content-length", b"expect", b"host", b"http2-settings", b"keep-alive",
    b"proxy-connection", b"te", b"transfer-encoding", b"upgrade",
}  # fmt: skip
fields = st.lists(st.tuples(token.filter(lambda name: name.lower() not in KNOWN), value))


def lines(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(name + b":" + value + b"\r\n" for name, value in pairs)


@given(fields, fields)
def test_what_concerns_nobody_between_is_passed_on(
    before: list[tuple[bytes, bytes]], after: list[tuple[bytes, bytes]]
) -> None:
    hops = b"Keep-Alive: 1\r\ncOnnection: keep-alive\r\nTE: trailers\r\n"
    block = lines(before) + hops + b"Host: x\r\n" + lines(after)

    found = head.request(b"PUT /a?b HTTP/1.1\r\n" + block + b"\r\n")

    passed = lines(before) + b"Host: x\r\n" + lines(after)
    assert found.render() == b"PUT /a?b HTTP/1.1\r\n" + passed + b"\r\n"
    assert (found.length, found.chunked, found.close) == (None, False, False)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (head.request, head.response):
        with contextlib.suppress(Malformed):
            read(data + head.END)


@given(fields, st.sampled_from([b"\n", b"\r", b"\0", b"\r\n "]), st.integers(0, 500))
def test_a_character_that_ends_a_line_for_some_is_refused(
    pairs: list[tuple[bytes, bytes]], odd: bytes, place: int
) -> None:
    block = b"Host: x\r\n" + lines(pairs)
    place %= len(block) - 2
    spoiled = block[:place] + odd + block[place:]

    with pytest.raises(Malformed):
        head.request(b"GET / HTTP/1.1\r\n" + spoiled + b"\r\n")


@pytest.mark.parametrize(
    ("name", "gone"), [(b"X-Secret", True), (b"Content-Length", False), (b"Host", False)]
)
def test_fields_that_connection_names_go_unless_they_say_what_the_message_is(
    name: bytes, *, gone: bool
) -> None:
    data = (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nX-Secret: 1\r\nConnection: %b\r\n\r\n"
    )

    found = head.request(data % name)

    assert (name + b":" not in found.fields) is gone
    assert found.length == 3


def test_another_protocol_is_asked_for_but_never_http_2() -> None:
    data = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: %b\r\n\r\n"

    assert (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        in head.request(data % b"websocket").render()
    )
    assert b"pgrade" not in head.request(data % b"h2c").render()


@pytest.mark.parametrize(
    ("line", "close"),
    [
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", True),
    ],
)
def test_a_response_says_whether_the_connection_goes_on(line: bytes, *, close: bool) -> None:
    found = head.response(line + b"Content-Length: 1\r\n\r\n")

    assert (found.status, found.close, found.length) == (200, close, 1)


@pytest.mark.parametrize(
    ("method", "status", "none"),
    [(b"GET", 200, False), (b"HEAD", 200, True), (b"GET", 204, True), (b"GET", 304, True)],
)
def test_some_responses_have_no_body(method: bytes, status: int, *, none: bool) -> None:
    found = head.response(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status)

    assert found.bodiless(method) is none


def test_the_end_of_a_head_is_found_wherever_it_arrives() -> None:
    data = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody"
    sizes = [head.find(bytearray(data[:count])) for count in range(len(data) + 1)]

    assert sizes == [0] * 27 + [27] * 5


def test_a_head_has_a_limit() -> None:
    with pytest.raises(Malformed) as caught:
        head.find(bytearray(b"x" * head.MOST_BYTES))

    assert caught.value.status == 431
