"""Events of containers, with the attributes that Docker gives them. Pure."""

from __future__ import annotations

from dockyard.containers.model import Container
from dockyard.observability.events import Event

_NANOSECONDS = 10**9


def event(container: Container, action: str, **attributes: str) -> Event:
    """Something that happened to a container: its labels, image and name, and what is given."""
    own = {"image": container.image_name, "name": container.name}
    return Event(
        type="container",
        action=action,
        actor=container.id,
        attributes={**container.labels, **own, **attributes},
    )


def ended(container: Container) -> tuple[Event, ...]:
    """The events of a container whose record says how it ended."""
    seconds = max(container.finished - container.started, 0) // _NANOSECONDS
    died = event(container, "die", exitCode=str(container.exit_code), execDuration=str(seconds))
    return (event(container, "oom"), died) if container.oom_killed else (died,)


def mounted(container: Container, *, unmounted: bool = False) -> tuple[Event, ...]:
    """The events of its volumes as it starts, or ends."""
    found = []
    for mount in container.mounts:
        if mount.kind != "volume" or mount.source is None:
            continue
        attributes = {"container": container.id, "driver": "local"}
        if not unmounted:
            writable = "false" if mount.read_only else "true"
            attributes |= {"destination": mount.target, "propagation": "", "read/write": writable}
        action = "unmount" if unmounted else "mount"
        found.append(Event(type="volume", action=action, actor=mount.source, attributes=attributes))
    return tuple(found)
