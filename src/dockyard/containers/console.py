"""Messages to a monitor through the FIFOs in its bundle (conmon's ``ctl`` and ``winsz``).

conmon 2.1.6 reads what has gathered in a FIFO at once, does the first line as often as there are
lines, and loses the others. So a message is written only to an empty FIFO, under its flock. A
window's size goes straight to ``winsz``, for ``ctl`` would gather sizes there for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
import time

from dockyard.system.terminal import Size

_REOPEN_LOGS = b"2 0 0\n"
_PATIENCE_SECONDS = 1.0
_POLL_SECONDS = 0.001
_MAX = 1000
"""Newer versions of conmon refuse more rows or columns."""


def resize(bundle: str, size: Size) -> bool:
    """Sets the terminal's size; its foreground programs get SIGWINCH. False where it is gone."""
    rows, columns = (min(number, _MAX) for number in size)
    return _send(f"{bundle}/winsz", f"{rows} {columns}\n".encode())


def redraw(bundle: str, size: Size) -> None:
    """Sets the size after another one, so that a program draws its picture for a new viewer."""
    rows, columns = size
    if resize(bundle, (rows + 1, columns + 1)):
        resize(bundle, size)


def reopen_logs(bundle: str) -> bool:
    """Has the monitor begin a new log file under the log's name. False where it is gone."""
    return _send(f"{bundle}/ctl", _REOPEN_LOGS)


def _send(path: str, message: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no such file, or nobody reads it: the monitor has ended
        return False
    try:
        if not _free(descriptor):
            return False
        with contextlib.suppress(OSError):
            return os.write(descriptor, message) == len(message)
        return False
    finally:
        os.close(descriptor)


def _free(descriptor: int) -> bool:
    """Takes the FIFO's lock and waits until all that was written is read."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    locked = False
    while True:
        with contextlib.suppress(BlockingIOError):
            if not locked:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                locked = True
            waiting = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
            if struct.unpack("i", waiting)[0] == 0:
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
