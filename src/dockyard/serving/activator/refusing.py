"""Just enough of HTTP/2 to refuse requests with the reason.

A client of gRPC gets UNAVAILABLE (14) and the sentence; any other one gets 503. Fields are sent as
literals, which needs no table; what the client's fields say is never read.
"""

from __future__ import annotations

import struct
from urllib.parse import quote

from dockyard.serving.activator.answers import Refused

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD_BYTES = 9
_MOST_FRAME = 1 << 14
_HEADERS, _SETTINGS, _PING, _GOAWAY = 1, 4, 6, 7
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_STATUS = b"\x08"
"""A literal whose name is the static table's eighth: ``:status``."""
_UNAVAILABLE = "14"
_MOST_SENTENCE = 1000
_STREAM = 0x7FFFFFFF
_PLAIN = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"
"""Characters of a message that gRPC doesn't escape, beside letters and digits."""


class Refusing:
    """Refuses the requests that a connection begins with.

    Then it says goodbye: later ones may fare better, over another connection.
    """

    def __init__(self, refused: Refused) -> None:
        self._fields = _block(refused)
        self._buffer = bytearray()
        self._begun = False
        self._last = 0
        self.broken = False
        """The client doesn't speak HTTP/2."""
        self.done = False
        """Something was refused."""

    def feed(self, data: bytes) -> bytes:
        """What to send to a client that sent this."""
        self._buffer += data
        out = self._begin() if not self._begun else b""
        while self._begun and (frame := self._next()) is not None:
            out += self._reply(*frame)
        if self._last and not self.done:
            self.done = True
            out += _frame(_GOAWAY, payload=struct.pack(">II", self._last, 0))
        return out

    def _begin(self) -> bytes:
        front = bytes(self._buffer[: len(_PREFACE)])
        if front != _PREFACE:
            self.broken = not _PREFACE.startswith(front)
            return b""
        del self._buffer[: len(_PREFACE)]
        self._begun = True
        return _frame(_SETTINGS)

    def _next(self) -> tuple[int, int, int, bytes] | None:
        """A whole frame: its kind, flags, stream and payload."""
        if len(self._buffer) < _HEAD_BYTES:
            return None
        length = int.from_bytes(self._buffer[:3], "big")
        self.broken = length > _MOST_FRAME
        end = _HEAD_BYTES + length
        if self.broken or len(self._buffer) < end:
            return None
        kind, flags, stream = struct.unpack_from(">BBI", self._buffer, 3)
        payload = bytes(self._buffer[_HEAD_BYTES:end])
        del self._buffer[:end]
        return kind, flags, stream & _STREAM, payload

    def _reply(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        if kind == _HEADERS and stream > self._last and not self.done:
            self._last = stream
            return _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, self._fields)
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            return _frame(kind, _ACK, payload=payload if kind == _PING else b"")
        return b""


def _block(refused: Refused) -> bytes:
    fields = {
        "content-type": "application/grpc",
        "grpc-status": _UNAVAILABLE,
        "grpc-message": quote(refused.reason[:_MOST_SENTENCE], safe=_PLAIN),
        **refused.fields(),
    }
    block = _STATUS + _text(str(refused.status))
    for name, value in fields.items():
        block += b"\0" + _text(name.lower()) + _text(value)
    return block


def _text(text: str) -> bytes:
    """A string with its length before it, in HPACK's integers of seven bits."""
    data = text.encode("ascii")
    length = len(data)
    if length < 127:
        return bytes((length,)) + data
    rest, head = length - 127, bytearray((127,))
    while rest >= 128:
        head.append(rest % 128 + 128)
        rest //= 128
    head.append(rest)
    return bytes(head) + data


def _frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload
