"""The controller's duty of starting containers whose wait is over."""

from __future__ import annotations

import functools

from dockyard.containers import start
from dockyard.containers.parts import Parts
from dockyard.controller.host import Host
from dockyard.controller.model import Outlook
from dockyard.errors import DockyardError


class RestartDuty:
    """Watches the containers in the state ``restarting``; each is due at its own moment."""

    name = "restart"

    def __init__(self, parts: Parts, host: Host) -> None:
        self._parts = parts
        self._host = host
        self._at_work: set[str] = set()

    def look(self, now: int) -> Outlook:
        """Starts those that are due, a few at a time."""
        waiting = [one for one in self._parts.store.restarting() if one.id not in self._at_work]
        for container in waiting:
            if container.restarts.due <= now:
                self._at_work.add(container.id)
                self._host.do(
                    functools.partial(start.restart, self._parts, container.id),
                    functools.partial(self._done, container.id, container.name),
                )
        later = [one.restarts.due for one in waiting if one.restarts.due > now]
        return Outlook(len(later) + len(self._at_work), min(later, default=None))

    def end(self) -> None:
        """What is being started is finished by its thread; the others wait in the store."""

    def _done(self, container_id: str, name: str, error: BaseException | None) -> None:
        self._at_work.discard(container_id)
        if error is None:
            return
        words = error.message if isinstance(error, DockyardError) else repr(error)
        self._host.journal.error(f"container {name} could not be restarted: {words}")
