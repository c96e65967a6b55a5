"""Those who follow a log: its files stay until they have read them, if that doesn't take long.

Who follows holds a shared flock on the container's directory; who removes it waits for them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

_PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.01
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextlib.contextmanager
def reading(directory: str) -> Iterator[None]:
    """Asks those who remove the directory to wait until the end of the block."""
    try:
        descriptor = os.open(directory, _DIRECTORY)
    except FileNotFoundError:
        yield
        return
    try:
        _lock(descriptor, fcntl.LOCK_SH)  # without it what can be had is read
        yield
    finally:
        os.close(descriptor)


def wait_for(directory: str) -> None:
    """Waits for those who follow, at most two seconds: a stopped pager must not stop ``rm``."""
    try:
        descriptor = os.open(directory, _DIRECTORY)
    except FileNotFoundError:
        return
    try:
        _lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def nobody(directory: str) -> Iterator[bool]:
    """Whether nobody follows; while the block lasts, nobody begins to."""
    descriptor = os.open(directory, _DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> None:
    """Locks it, or gives up after a while: nobody holds it alone for long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        time.sleep(_POLL_SECONDS)
