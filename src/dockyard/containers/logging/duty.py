"""The controller's duty of rotating logs."""

from __future__ import annotations

import functools

from dockyard.containers.logging import rotate
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.controller.host import Host
from dockyard.controller.model import NANOSECONDS, Outlook
from dockyard.errors import DockyardError

_SHORTEST = NANOSECONDS // 20
_BUSY = NANOSECONDS // 2
_QUIET = NANOSECONDS


def interval(grown: int, elapsed: int, left: int) -> int:
    """Nanoseconds until a log's size is looked at again. Pure.

    Args:
        grown: bytes written in the last ``elapsed`` nanoseconds.
        left: bytes until it is full.
    """
    if grown <= 0:
        return _QUIET
    return max(_SHORTEST, min(_BUSY, elapsed * max(left, 0) // grown))


class RotateDuty:
    """Looks at the sizes of the logs that have a limit."""

    name = "logs"

    def __init__(self, parts: Parts, host: Host) -> None:
        self._parts = parts
        self._host = host
        self._sizes: dict[str, int] = {}
        self._at_work: set[str] = set()
        self._looked = 0
        self._due = 0

    def look(self, now: int) -> Outlook:
        """Rotates what is full, in a thread of its own."""
        if now < self._due and self._sizes:
            return Outlook(len(self._sizes), self._due)
        before, self._sizes = self._sizes, {}
        elapsed, self._looked = max(now - self._looked, 1), now
        pauses = []
        for container in self._parts.store.with_limited_log():
            size = rotate.size_of(self._parts.paths.log(container.id))
            written = self._sizes[container.id] = size or 0
            grown = written - before.get(container.id, 0)
            begun = container.id not in before or grown < 0  # how fast it grows isn't known yet
            pauses.append(
                _SHORTEST if begun else interval(grown, elapsed, container.log.max_size - written)
            )
            if rotate.is_due(size, container.log) and container.id not in self._at_work:
                self._at_work.add(container.id)
                self._host.do(
                    functools.partial(_check, self._parts, container),
                    functools.partial(self._done, container.id, container.name),
                )
        self._due = now + min(pauses, default=_QUIET)
        return Outlook(len(self._sizes), self._due if self._sizes else None)

    def end(self) -> None:
        """A rotation that was begun is finished by its thread, or by the next one."""

    def _done(self, container_id: str, name: str, error: BaseException | None) -> None:
        self._at_work.discard(container_id)
        if error is not None:
            words = error.message if isinstance(error, DockyardError) else repr(error)
            self._host.journal.error(f"the log of container {name} could not be rotated: {words}")


def _check(parts: Parts, container: Container) -> None:
    rotate.check(parts, container)
