"""Unix sockets that clients connect to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import zlib
from collections.abc import Callable

from dockyard.serving.activator.wire import Wire

_BACKLOG = 4096


class Listener:
    """A Unix socket at a path, and what serves it.

    One that is there already is replaced, so whoever connects finds the old or the new one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = _bind(path)
        self._identity = _identity(path)
        self._server: asyncio.Server | None = None

    async def serve(self, opened: Callable[[Wire], None]) -> None:
        """Begins to accept connections."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Wire(opened), sock=self._socket, backlog=_BACKLOG
        )

    def close(self, *, remove: bool) -> None:
        """Accepts no more.

        Args:
            remove: the file too, unless another process has replaced it.
        """
        if remove and _identity(self.path) == self._identity:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        if self._server is not None:
            self._server.close()
        self._socket.close()


def _bind(path: str) -> socket.socket:
    """Binds by a descriptor of the directory, for a path may pass 108 bytes."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = -1
    try:
        bound.setblocking(False)
        directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        name = os.path.basename(path)
        temporary = f".{zlib.crc32(name.encode()):08x}.new"  # short, for the path has a limit
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=directory)
        bound.bind(f"/proc/self/fd/{directory}/{temporary}")
        bound.listen(_BACKLOG)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        bound.close()
        raise
    finally:
        if directory >= 0:
            os.close(directory)
    return bound


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
