"""The controller's duty of rotating logs.

While nobody writes to a log with a limit, it waits for the kernel to tell of a write. From then on
it looks at the sizes at fixed moments until they stand still: a fast writer doesn't wake it for
every write, and a burst after a long silence is seen as soon as any other.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection

from dockyard.containers.logging import rotate
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.controller.host import Host
from dockyard.controller.model import NANOSECONDS, Outlook
from dockyard.errors import DockyardError
from dockyard.system.watch import WriteWatch

_PAUSE = NANOSECONDS // 20
_UNTOLD = NANOSECONDS // 4
"""Between two looks at logs that stand still, where the host has no room for a watch."""


class RotateDuty:
    """Looks at the sizes of the logs that have a limit."""

    name = "logs"

    def __init__(self, parts: Parts, host: Host) -> None:
        self._parts = parts
        self._host = host
        self._sizes: dict[str, int] = {}
        self._at_work: set[str] = set()
        self._due = 0
        self._watch: WriteWatch | None = None
        self._listening = False

    def look(self, now: int) -> Outlook:
        """Rotates what is full, or would be at the next look, in a thread of its own."""
        if self._sizes and now < self._due <= now + _PAUSE:
            return Outlook(len(self._sizes), self._due)
        containers = self._parts.store.with_limited_log()
        told = self._follow([self._parts.paths.container(one.id) for one in containers])
        before, self._sizes = self._sizes, {}
        moving = [self._see_to(one, before.get(one.id)) for one in containers]
        if any(moving):
            self._listen(wanted=False)
            self._due = now + _PAUSE
            return Outlook(len(containers), self._due)
        self._listen(wanted=told and bool(containers))
        self._due = 0
        return Outlook(len(containers), None if told or not containers else now + _UNTOLD)

    def end(self) -> None:
        """A rotation that was begun is finished by its thread, or by the next one."""

    def _see_to(self, container: Container, before: int | None) -> bool:
        """Rotates one log if it is due; whether it has to be looked at again soon."""
        size = rotate.size_of(self._parts.paths.log(container.id))
        written = self._sizes[container.id] = size or 0
        grown = written - before if before is not None and before <= written else written
        due = rotate.is_due(size, container.log, grown)
        if due and container.id not in self._at_work:
            self._at_work.add(container.id)
            self._host.do(
                functools.partial(_check, self._parts, container, grown),
                functools.partial(self._done, container.id, container.name),
            )
        return due or written != before

    def _follow(self, directories: Collection[str]) -> bool:
        """Has the kernel tell of writes from now on; False where it doesn't for all."""
        if self._watch is None:
            if not directories:
                return True
            with contextlib.suppress(OSError):
                self._watch = WriteWatch()
        if self._watch is None:
            return False
        self._watch.drain()
        with contextlib.suppress(OSError):
            self._watch.keep(directories)
            return True
        return False

    def _listen(self, *, wanted: bool) -> None:
        if self._watch is None or wanted == self._listening:
            return
        self._listening = wanted
        if wanted:
            self._host.watch(self._watch.descriptor, self._told)
        else:
            self._host.forget(self._watch.descriptor)

    def _told(self) -> None:
        """Something was written: the loop goes round, and looks. If that fails, it isn't spun."""
        self._listen(wanted=False)

    def _done(self, container_id: str, name: str, error: BaseException | None) -> None:
        self._at_work.discard(container_id)
        if error is not None:
            words = error.message if isinstance(error, DockyardError) else repr(error)
            self._host.journal.error(f"the log of container {name} could not be rotated: {words}")


def _check(parts: Parts, container: Container, grown: int) -> None:
    rotate.check(parts, container, grown)
