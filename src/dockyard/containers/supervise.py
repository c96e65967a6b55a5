"""Whether something of a root must be supervised over time, and seeing to it that it is."""

from __future__ import annotations

import os

from dockyard.containers.parts import Parts
from dockyard.state.locks import Lock


def ensure(parts: Parts) -> None:
    """Has a controller take note of what was just written down."""
    from dockyard.controller import client  # only where something is, or was, supervised

    client.ensure(parts.paths)


def wake(parts: Parts) -> None:
    """Has the controller look at the store, if there is one."""
    if not os.path.isdir(parts.paths.controller):
        return
    from dockyard.controller import client

    client.wake(parts.paths)


def recover(parts: Parts) -> None:
    """Revives a controller that was killed, and removes what one left that isn't needed any more.

    One query where there is nothing to supervise.
    """
    if parts.store.needs_supervision():
        ensure(parts)
        return
    if not os.path.isdir(parts.paths.controller):
        return
    from dockyard.controller import client

    if client.heartbeat(parts.paths) is not None:
        return
    lock = Lock.try_acquire(f"{parts.paths.locks}/controller.lock")
    if lock is not None:
        from dockyard.containers import controller_place as place

        with lock:
            place.clear(parts.paths)
            lock.release(remove=True)
