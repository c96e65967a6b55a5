"""The controller as commands see it: whether it lives, waking it, starting one.

Whoever writes down something to supervise calls :func:`ensure` afterwards. A controller that ends
closes its pipe before it looks at the store for the last time, so nothing is missed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
import time

import msgspec

from dockyard import decoding
from dockyard.controller import schedule
from dockyard.controller.model import Heartbeat
from dockyard.state.paths import Paths
from dockyard.system import process


def heartbeat_file(paths: Paths) -> str:
    """Where a controller tells that it lives."""
    return f"{paths.controller}/heartbeat"


def wake_pipe(paths: Paths) -> str:
    """The FIFO that a controller reads: any byte has it look at the store."""
    return f"{paths.controller}/wake"


def heartbeat(paths: Paths) -> Heartbeat | None:
    """What the living controller said last, fresh or not; ``None`` where there is none."""
    try:
        with open(heartbeat_file(paths), "rb") as stream:
            found = decoding.from_json(stream.read(), Heartbeat)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return found if found.process.alive() else None


def keeper(paths: Paths) -> Heartbeat | None:
    """The controller that lives and does its work; what another one found out is out of date."""
    found = heartbeat(paths)
    return found if found is not None and schedule.fresh(found, time.monotonic_ns()) else None


def wake(paths: Paths) -> bool:
    """Has the controller look at the store; False where there is none."""
    try:
        descriptor = os.open(wake_pipe(paths), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENXIO}:
            return False
        raise
    try:
        with contextlib.suppress(BlockingIOError):  # full: it will look anyway
            os.write(descriptor, b"\0")
    except BrokenPipeError:
        return False
    finally:
        os.close(descriptor)
    return True


def ensure(paths: Paths) -> None:
    """Has a controller look at the store: wakes the one there is, else starts one.

    One that hangs is killed first, which costs nothing but its place.
    """
    known = heartbeat(paths)
    if known is not None and not schedule.fresh(known, time.monotonic_ns()):
        known.process.signal(signal.SIGKILL)
    elif wake(paths):
        return
    start(paths)


def start(paths: Paths) -> None:
    """Starts a controller, which ends at once where there is one."""
    script = os.path.join(os.path.dirname(__file__), "process.py")
    pid = process.detach(process.isolated_python(script, paths.root, paths.run))
    threading.Thread(target=_reap, args=(pid,), daemon=True).start()


def _reap(pid: int) -> None:
    """Takes note of the end, so that a program that lives on has no zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def stop(paths: Paths, seconds: float) -> Heartbeat | None:
    """Ends the controller; the next command that needs one starts another.

    Returns:
        The one that there was.
    """
    known = heartbeat(paths)
    if known is None:
        return None
    known.process.signal(signal.SIGTERM)
    if not known.process.wait(seconds):
        known.process.signal(signal.SIGKILL)
        known.process.wait(seconds)
    return known
