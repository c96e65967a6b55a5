"""A container's output as its log keeps it: read, and followed to its end."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from dockyard.containers import logs, shared_memory
from dockyard.containers.logging import rotate
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import NotSupported


def read(
    parts: Parts,
    container: Container,
    *,
    follow: bool = False,
    tail: int | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Iterator[logs.LogLine]:
    """The output; see :func:`dockyard.containers.logs.read`. Warns of too little shared memory.

    Raises:
        NotSupported: its log driver keeps nothing.
    """
    if container.log.driver == "none":
        raise NotSupported(
            "configured logging driver does not support reading",
            hint=f"container {container.name} was made with --log-driver none",
            reference="log-not-kept",
        )
    rotate.check(parts, container)
    entries = logs.read(
        parts.paths.log(container.id),
        follow=follow,
        ended=lambda: is_over(parts, container.id),
        tail=tail,
        since=None if since is None else logs.to_utc(since),
        until=None if until is None else logs.to_utc(until),
    )
    find = functools.partial(parts.store.get, container.id)
    watched = shared_memory.watched(parts.paths, find, entries, parts.warn)
    return _to_the_end(parts, container.id, watched) if follow else watched


def _to_the_end(
    parts: Parts, container_id: str, entries: Iterator[logs.LogLine]
) -> Iterator[logs.LogLine]:
    """Follows; then what wasn't cut as long as somebody did is cut."""
    yield from entries
    current = parts.store.get(container_id)
    if current is not None:
        rotate.check(parts, current)


def is_over(parts: Parts, container_id: str) -> bool:
    """True when nothing more will be written to the log: process and monitor are gone."""
    container = parts.store.get(container_id)
    if container is None or container.state not in {"running", "restarting", "starting"}:
        return True
    if container.options.restart.policy != "no" and not container.stopped_by_hand:
        return False  # what follows its end is written down in a moment
    monitored = container.monitor is not None and container.monitor.alive()
    alive = container.process is not None and container.process.alive()
    return not (alive or monitored)


def would_end_input(container: Container) -> bool:
    """Whether conmon ends the program's input when anyone who is attached goes.

    It can't tell who gives the input from who only watches.
    """
    console = container.options.console
    return console.stdin_once and not console.tty
