"""Unix sockets that clients connect to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import zlib
from collections.abc import Callable

from dockyard.serving.activator.shared import log
from dockyard.serving.activator.wire import Wire

_BACKLOG = 4096
_AT_ONCE = 64
"""Connections that are accepted before others get their turn."""
_AGAIN_SECONDS = 1.0


class Listener:
    """A Unix socket at a path, and what serves it.

    One that is there already is replaced, so whoever connects finds the old or the new one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = _bind(path)
        self._identity = _identity(path)
        self._opening: set[asyncio.Task[object]] = set()

    @property
    def opening(self) -> bool:
        """Whether a connection was accepted that its owner hasn't heard of yet."""
        return bool(self._opening)

    def serve(self, opened: Callable[[Wire], None]) -> None:
        """Begins to accept connections; each that was accepted is opened, also after the close.

        Not by asyncio's own server: that forgets a connection, and leaves its client waiting, which
        it accepts in the moment in which it is closed.
        """
        asyncio.get_running_loop().add_reader(self._socket, self._accept, opened)

    def _accept(self, opened: Callable[[Wire], None]) -> None:
        try:
            for _ in range(_AT_ONCE):
                self._open(self._socket.accept()[0], opened)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:  # no descriptors left, say: later there may be
            log(f"{self.path}: {error.strerror}")
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.call_later(_AGAIN_SECONDS, self._resume, opened)

    def _open(self, connection: socket.socket, opened: Callable[[Wire], None]) -> None:
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        opening: asyncio.Task[object] = loop.create_task(
            loop.connect_accepted_socket(lambda: Wire(opened), connection)
        )
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        if not opening.cancelled() and opening.exception() is not None:
            log(f"{self.path}: {opening.exception()}")

    def _resume(self, opened: Callable[[Wire], None]) -> None:
        if self._socket.fileno() >= 0:
            self.serve(opened)

    def close(self, *, remove: bool) -> None:
        """Accepts no more.

        Args:
            remove: the file too, unless another process has replaced it.
        """
        if remove and _identity(self.path) == self._identity:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
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
