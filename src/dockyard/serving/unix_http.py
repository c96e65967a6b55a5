"""``GET`` over a Unix socket, for figures of programs of ours."""

from __future__ import annotations

import http.client
import socket
from typing import Final

_SECONDS: Final = 1.0
_OK: Final = 200


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """Connects to the socket at the path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get(path: str, target: str, seconds: float = _SECONDS) -> bytes | None:
    """The body of an answer; ``None`` where there is no good one.

    Args:
        path: of the socket.
        target: such as ``/stats``.
    """
    connection = Connection(path, seconds)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
        return body if response.status == _OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
