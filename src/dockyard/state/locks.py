"""Advisory locks on files: who holds one is alive, whatever it did before.

A lock is an ``flock`` on a file below ``run/locks``. It is close-on-exec, so no child that is
executed inherits it, and it goes with its process however that ends. The creator of a
transitional record holds the record's lock; recovery touches only records whose lock it gets
without waiting, hence never live work.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from types import TracebackType
from typing import Self

from dockyard.errors import Conflict
from dockyard.state.paths import unusable

_POLL_SECONDS = 0.01
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Lock:
    """One held lock. Use as a context manager, or call :meth:`release`."""

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: str, *, timeout: float | None = None, shared: bool = False) -> Self:
        """Waits for the lock, at most ``timeout`` seconds (``None``: as long as it takes).

        ``shared`` lets others share it, too, and keeps out who wants it alone.

        Raises:
            Conflict: another process still holds it after ``timeout``.
        """
        if timeout is None:
            held = cls._attempt(path, blocking=True, shared=shared)
            while held is None:
                held = cls._attempt(path, blocking=True, shared=shared)
            return held
        deadline = time.monotonic() + timeout
        while (held := cls._attempt(path, blocking=False, shared=shared)) is None:
            if time.monotonic() >= deadline:
                name = os.path.basename(path).removesuffix(".lock")
                raise Conflict(
                    f"{name} is in use by another dockyard process",
                    hint="wait for the other command to finish, then try again",
                    reference="locked",
                )
            time.sleep(_POLL_SECONDS)
        return held

    @classmethod
    def try_acquire(cls, path: str, *, shared: bool = False) -> Self | None:
        """The lock, or ``None`` where a living process holds it.

        Args:
            shared: others may share it; it only keeps away who wants it alone.
        """
        return cls._attempt(path, blocking=False, shared=shared)

    @classmethod
    def _attempt(cls, path: str, *, blocking: bool, shared: bool = False) -> Self | None:
        """One attempt; ``None`` where it is held, or where the file was removed meanwhile."""
        try:
            descriptor = os.open(path, _FLAGS, 0o600)
        except OSError as error:
            raise unusable(path, error) from error
        try:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, kind | (0 if blocking else fcntl.LOCK_NB))
            if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
                return cls(path, descriptor)
        except (BlockingIOError, FileNotFoundError):
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def sign(self) -> None:
        """Writes down who holds it, for those who wait: see :func:`holder`."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def share(self) -> None:
        """Lets others share a lock that was held alone."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self, *, remove: bool = False) -> None:
        """Lets go. ``remove`` also deletes the file, for objects that no longer exist."""
        if self._descriptor < 0:
            return
        if remove:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def holder(path: str) -> int | None:
    """The process that signed a lock last; ``None`` where nobody did."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None
