"""A server of gRPC for tests, frame by frame: a stream of messages, then the status as trailers.

Fields are sent as literals, and what a client's fields say is never read, so no table is kept.
As a program, which needs nothing but Python, it serves ``one`` and ``two`` at port 8000.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Self

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING, _WINDOW = 0, 1, 4, 6, 8
_ACK = _END_STREAM = 1
_END_HEADERS = 4
_HEAD = struct.Struct(">BHBBI")
_HEAD_BYTES = 9

Messages = Callable[[], Iterator[bytes]]


def message(payload: bytes) -> bytes:
    """As gRPC has it: not compressed, with its length before it."""
    return struct.pack(">BI", 0, len(payload)) + payload


class GrpcServer:
    """Answers each call with the messages of ``messages``, as soon as it yields them, and then
    with ``status``. One thread a connection; a call at a time."""

    def __init__(
        self, messages: Messages, status: dict[str, str], listen: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        self._messages = messages
        self._status = status
        self._socket = socket.create_server(listen)
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.calls = 0
        """Those that came whole."""

    @property
    def address(self) -> tuple[str, int]:
        port: int = self._socket.getsockname()[1]
        return "127.0.0.1", port

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._socket, *self._connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        for one in (self._socket, *self._connections):
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._connections.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        """Until the client leaves, whenever it does."""
        with contextlib.suppress(OSError, EOFError):
            stream = _Reader(connection)
            if stream.exactly(len(_PREFACE)) != _PREFACE:
                return
            connection.sendall(_frame(_SETTINGS))
            while True:
                high, low, kind, flags, number = _HEAD.unpack(stream.exactly(_HEAD_BYTES))
                payload = stream.exactly(high << 16 | low)
                self._reply(connection, kind, flags, number, payload)

    def _reply(
        self, connection: socket.socket, kind: int, flags: int, number: int, payload: bytes
    ) -> None:
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            connection.sendall(_frame(kind, _ACK, payload=payload if kind == _PING else b""))
        elif kind == _DATA and payload:
            more = struct.pack(">I", len(payload))
            connection.sendall(_frame(_WINDOW, payload=more) + _frame(_WINDOW, 0, number, more))
        if kind in (_HEADERS, _DATA) and flags & _END_STREAM:
            self.calls += 1
            self._answer(connection, number)

    def _answer(self, connection: socket.socket, number: int) -> None:
        head = _fields({":status": "200", "content-type": "application/grpc"})
        connection.sendall(_frame(_HEADERS, _END_HEADERS, number, head))
        for one in self._messages():
            connection.sendall(_frame(_DATA, 0, number, message(one)))
        trailers = _fields(self._status)
        connection.sendall(_frame(_HEADERS, _END_HEADERS | _END_STREAM, number, trailers))


class _Reader:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._connection.recv(count - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


def _frame(kind: int, flags: int = 0, number: int = 0, payload: bytes = b"") -> bytes:
    size = len(payload)
    return _HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, number) + payload


def _fields(fields: dict[str, str]) -> bytes:
    """Literals without an index; each text is shorter than HPACK's first 127 bytes."""
    texts = [text.encode() for pair in fields.items() for text in pair]
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return b"".join(
        b"\0" + bytes((len(name),)) + name + bytes((len(value),)) + value for name, value in pairs
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with GrpcServer(lambda: iter((b"one", b"two")), {"grpc-status": "0"}, ("", 8000)):
        signal.pause()
