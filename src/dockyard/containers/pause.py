"""Freezing all processes of a container, and thawing them.

The record says "paused" from before the first process is frozen until after the last one is
thawed. So a command that is killed in between leaves at worst a container that is called paused
and runs; ``unpause`` mends that, and nobody waits for a frozen process without knowing it.
"""

from __future__ import annotations

import msgspec

from dockyard.containers import finish, lifecycle
from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.containers.recover import tolerant
from dockyard.containers.workspace import FREEZES
from dockyard.errors import ComponentFailed, Conflict
from dockyard.observability.events import Event
from dockyard.state.locks import Lock
from dockyard.system import cgroups


def pause(parts: Parts, container: Container) -> Container:
    """Freezes a running container.

    Raises:
        Conflict: it doesn't run, or is paused already.
        ComponentFailed: the runtime can't.
    """
    with parts.lock(container.holder):
        current = parts.store.find(container.id)
        lifecycle.require_running(current)
        if current.paused:
            raise Conflict(
                f"container {current.name} is already paused",
                hint=f"dockyard unpause {current.name} lets it go on",
                reference="paused",
            )
        return freeze(parts, current, event(current, "pause"))


def unpause(parts: Parts, container: Container) -> Container:
    """Thaws a paused container.

    Raises:
        Conflict: it isn't paused.
    """
    with parts.lock(container.holder):
        current = parts.store.find(container.id)
        if not current.paused:
            raise Conflict(
                f"container {current.name} is not paused",
                hint="dockyard ps shows which are paused",
                reference="not-paused",
            )
        return thaw(parts, current, event(current, "unpause"))


def thaw_if_paused(parts: Parts, container: Container) -> None:
    """Thaws what was sent a signal that is meant to end it; a frozen process gets none."""
    with parts.lock(container.holder):
        current = parts.store.get(container.id)
        if current is not None and current.running and current.paused:
            thaw(parts, current, event(current, "unpause"))


def freeze(parts: Parts, container: Container, *happened: Event) -> Container:
    """Freezes; the caller holds the lock.

    Raises:
        Conflict: it ended meanwhile.
        ComponentFailed: the runtime can't.
    """
    paused = msgspec.structs.replace(container, paused=True)
    parts.store.put(paused)
    try:
        with finish.while_it_lives(container, "it could be paused"):
            parts.runtime_of(container).pause(container.id)
    except BaseException:
        thaw(parts, paused)
        raise
    parts.store.tell(*happened)
    return paused


def thaw(parts: Parts, container: Container, *happened: Event) -> Container:
    """Thaws; the caller holds the lock. Fine where nothing is frozen."""
    try:
        parts.runtime_of(container).resume(container.id)
    except ComponentFailed:
        if cgroups.is_frozen(parts.cgroup_layout, container.cgroup):
            raise
    running = msgspec.structs.replace(container, paused=False)
    parts.store.put(running, *happened)
    return running


def recover(parts: Parts) -> None:
    """Lets containers go on that a killed ``commit`` had frozen; before its workspace is cleared.

    One that the user paused meanwhile goes on too: nobody can tell the two apart.
    """
    rows = parts.database.query(
        "SELECT id, purpose FROM workspaces WHERE substr(purpose, 1, ?1) = ?2",
        (len(FREEZES), FREEZES),
    )
    for workspace_id, purpose in rows:
        lock = Lock.try_acquire(parts.lock_path(f"w-{workspace_id}"))
        if lock is None:
            continue
        with lock, tolerant(parts, "a container that a commit had paused"):
            container = parts.store.get(purpose.removeprefix(FREEZES))
            if container is not None and container.paused:
                thaw_if_paused(parts, container)
