"""Refusals of HTTP/2, in whatever pieces the requests come."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.activator.answers import Refused
from dockyard.serving.activator.refusing import Refusing

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, SETTINGS, PING, GOAWAY = 1, 4, 6, 7


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def frames(data: bytes) -> list[tuple[int, int, int, bytes]]:
    found = []
    while data:
        length = int.from_bytes(data[:3], "big")
        stream = int.from_bytes(data[5:9], "big")
        found.append((data[3], data[4], stream, data[9 : 9 + length]))
        data = data[9 + length :]
    return found


REQUESTS = (
    PREFACE + frame(SETTINGS, 0, 0, b"\0" * 6) + frame(HEADERS, 4, 1, b"x" * 50)
    + frame(0, 1, 1, b"y" * 1000) + frame(PING, 0, 0, b"12345678")
)  # fmt: skip


@given(st.lists(st.integers(0, len(REQUESTS))))
def test_a_request_is_refused_once_then_the_connection_is(cuts: list[int]) -> None:
    refusing = Refusing(Refused(503, "start-failed", "no such model: ü", 1.0))
    places = sorted({*cuts, 0, len(REQUESTS)})
    out = b"".join(refusing.feed(REQUESTS[start:end]) for start, end in itertools.pairwise(places))

    found = frames(out)
    assert [one[:3] for one in found if one[0] == HEADERS] == [(HEADERS, 5, 1)]
    assert found[0] == (SETTINGS, 0, 0, b"")
    assert (SETTINGS, 1, 0, b"") in found
    assert (PING, 1, 0, b"12345678") in found
    assert [one for one in found if one[0] == GOAWAY] == [(GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0")]
    assert b"no such model: %C3%BC" in out
    assert refusing.done
    assert not refusing.broken
    later = frames(refusing.feed(frame(HEADERS, 5, 3)))
    assert later == [], "another connection may fare better"


@given(st.binary(max_size=100))
def test_any_bytes_are_frames_or_refused(data: bytes) -> None:
    Refusing(Refused(503, "queue-full", "x")).feed(PREFACE + data)
    Refusing(Refused(503, "queue-full", "x")).feed(data)


def test_another_protocol_is_noticed_at_its_first_byte() -> None:
    refusing = Refusing(Refused(503, "queue-full", "x"))

    assert refusing.feed(b"G") == b""
    assert refusing.broken
