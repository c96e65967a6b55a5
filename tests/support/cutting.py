"""A proxy between a client and a server that cuts connections, as bad ones do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


class Cutter:
    """Passes TCP on; ``host`` is where it listens.

    Args:
        allowance: bytes that the next connection may send before it is cut; ``None`` for any.
        backwards: they count on the way from the server to the client.
    """

    def __init__(
        self, server: str, allowance: Callable[[], int | None], *, backwards: bool = False
    ) -> None:
        name, _, port = server.partition(":")
        self._server = (name, int(port))
        self._allowance = allowance
        self._backwards = backwards
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"localhost:{self._listener.getsockname()[1]}"
        self.cuts = 0
        self.most: int | None = None
        """After so many cuts there are none any more."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError), client,
            socket.create_connection(self._server) as server,
        ):  # fmt: skip
            left = self._left()
            there, back = (None, left) if self._backwards else (left, None)
            other = threading.Thread(target=self._pass, args=(server, client, back), daemon=True)
            other.start()
            self._pass(client, server, there)
            other.join()

    def _left(self) -> int | None:
        done = self.most is not None and self.cuts >= self.most
        return None if done else self._allowance()

    def _pass(self, source: socket.socket, sink: socket.socket, left: int | None) -> None:
        with contextlib.suppress(OSError):
            while left is None or left > 0:
                data = source.recv(1 << 16 if left is None else min(1 << 16, left))
                if not data:
                    break
                sink.sendall(data)
                left = None if left is None else left - len(data)
        self.cuts += left == 0
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def cutting(
    server: str, allowance: Callable[[], int | None], *, backwards: bool = False
) -> Iterator[Cutter]:
    """One that runs."""
    cutter = Cutter(server, allowance, backwards=backwards)
    try:
        yield cutter
    finally:
        cutter.close()
