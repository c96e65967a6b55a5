"""What a server of a batch answers, when it dies while it does."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing

import pytest

from dockyard.batch import exchange, served

REQUEST = exchange.Request("/", b"{}", {})


def answered(answer: bytes) -> exchange.Reply:
    """What is made of an answer after which the connection ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            accepted, _ = server.accept()
            with accepted:
                while not accepted.recv(1 << 16).endswith(REQUEST.body):
                    pass
                accepted.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            port = server.getsockname()[1]
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                return served._exchanged(REQUEST, connection)
        finally:
            thread.join()


@pytest.mark.parametrize("body", [b"", b'{"id": 6, "len'])
def test_an_answer_that_breaks_off_is_none(body: bytes) -> None:
    with pytest.raises(http.client.IncompleteRead):
        answered(b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n" + body)


def test_a_whole_one_counts_and_an_empty_one_too() -> None:
    assert answered(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").body == b"{}"
    assert answered(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").body == b""
    assert answered(b"HTTP/1.1 200 OK\r\n\r\nuntil the end").body == b"until the end"
