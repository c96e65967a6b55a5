"""Standard streams of a container, through the monitor's socket.

The socket is a SOCK_SEQPACKET; a packet of output begins with a byte that names the stream.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable

from dockyard.containers.model import Container

_STDOUT = 2
_STDERR = 3
_PACKET = 1 << 15

Sink = Callable[[int, bytes], None]
"""Gets 1 (stdout) or 2 (stderr), and the bytes."""


class Streams:
    """Where the output of a container in the foreground goes, and where its input comes from."""

    def __init__(
        self,
        sink: Sink,
        stdin: int | None = None,
        on_start: Callable[[Container], None] | None = None,
    ) -> None:
        """``on_start`` gets the running container before the first output, e.g. for signals."""
        self._sink = sink
        self._stdin = stdin
        self._on_start = on_start
        self._connection: socket.socket | None = None

    def open(self, path: str) -> None:
        """Connects to the monitor, before the program starts, so that not a byte is missed."""
        self._connection = connect(path)

    def run(self, container: Container) -> None:
        """Copies until the output ends."""
        if self._on_start is not None:
            self._on_start(container)
        if self._connection is not None:
            with self._connection:
                forward(self._connection, self._sink, self._stdin)


def connect(path: str) -> socket.socket:
    """Connects to a monitor; by a descriptor of the directory, for a path may pass 108 bytes."""
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(directory)


def forward(connection: socket.socket, sink: Sink, stdin: int | None) -> None:
    """Copies until the container's output ends.

    Args:
        stdin: a descriptor to read from; its end closes the container's standard input.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        if stdin is not None and not _register(selector, stdin):
            _drain_into(connection, stdin)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not connection:
                    _send(selector, connection, key.fd)
                elif not _receive(connection, sink):
                    return


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of it; a reader that went away is no error of ours."""
    view = memoryview(data)
    with contextlib.suppress(BrokenPipeError):
        while view:
            view = view[os.write(descriptor, view) :]


def _register(selector: selectors.BaseSelector, stdin: int) -> bool:
    """Watches standard input; False for what epoll can't watch (a regular file)."""
    try:
        selector.register(stdin, selectors.EVENT_READ)
    except PermissionError:
        return False
    return True


def _drain_into(connection: socket.socket, stdin: int) -> None:
    import threading  # only where standard input is a regular file

    def copy() -> None:
        with contextlib.suppress(OSError):
            while data := os.read(stdin, _PACKET):
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

    threading.Thread(target=copy, daemon=True).start()


def _send(selector: selectors.BaseSelector, connection: socket.socket, stdin: int) -> None:
    data = os.read(stdin, _PACKET)
    try:
        if data:
            connection.sendall(data)
            return
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the container closed its input or ended; its output says the rest
    selector.unregister(stdin)


def _receive(connection: socket.socket, sink: Sink) -> bool:
    try:
        packet = connection.recv(_PACKET + 1)
    except ConnectionResetError:
        return False
    if not packet:
        return False
    if packet[0] in {_STDOUT, _STDERR}:
        sink(packet[0] - 1, packet[1:])
    return True
