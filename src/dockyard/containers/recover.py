"""What every command does first: finish or undo what a killed one left half-done.

Costs one query where there is nothing to do. Only records whose lock is free are touched, hence
never the work of a living command.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dockyard.containers import finish, lifecycle
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.containers.restart import apply as restarts
from dockyard.errors import DockyardError
from dockyard.state.locks import Lock
from dockyard.system import host


def recover(parts: Parts) -> None:
    """Brings every unsettled container into a settled state."""
    for container in parts.store.unsettled():
        if _verdict(container) == "nothing":
            continue
        lock = Lock.try_acquire(parts.lock_path(container.holder))
        if lock is None:
            continue
        with lock, tolerant(parts, f"container {container.name}"):
            current = parts.store.get(container.id)
            if current is not None:
                _settle(parts, current)
            if parts.store.get(container.id) is None:
                lock.release(remove=True)


@contextlib.contextmanager
def tolerant(parts: Parts, what: str) -> Iterator[None]:
    """One object that can't be cleaned up is told of, and tried again by the next command."""
    try:
        yield
    except (DockyardError, OSError) as error:
        parts.warn(f"could not clean up {what}: {error}")


def _verdict(container: Container) -> lifecycle.Recovery:
    alive = container.process is not None and container.process.alive()
    return lifecycle.recovery(container, alive=alive, boot=host.boot_id())


def _settle(parts: Parts, container: Container) -> None:
    match _verdict(container):
        case "nothing":
            return
        case "discard":
            finish.discard(parts, container)
        case "stop":
            finish.undo_start(parts, container, "the command that started it was killed")
        case "finish":
            finish.conclude(parts, container)
        case "remove":
            finish.remove(parts, container)
        case "call-off":
            parts.store.put(restarts.call_off(container))
