"""The controller's duty of starting containers whose wait is over."""

from __future__ import annotations

import functools
import time

from dockyard.containers import start
from dockyard.containers.parts import Parts
from dockyard.controller.host import Host
from dockyard.controller.model import RETRY, Outlook
from dockyard.errors import DockyardError


class RestartDuty:
    """Watches the containers in the state ``restarting``; each is due at its own moment."""

    name = "restart"

    def __init__(self, parts: Parts, host: Host) -> None:
        self._parts = parts
        self._host = host
        self._at_work: set[str] = set()
        self._not_before: dict[str, int] = {}

    def look(self, now: int) -> Outlook:
        """Starts those that are due, a few at a time."""
        waiting = {one.id: one for one in self._parts.store.restarting()
                   if one.id not in self._at_work}  # fmt: skip
        moments = {
            key: max(one.restarts.due, self._not_before.get(key, 0)) for key, one in waiting.items()
        }
        for key, one in waiting.items():
            if moments[key] <= now:
                self._at_work.add(key)
                self._host.do(
                    functools.partial(start.restart, self._parts, key),
                    functools.partial(self._done, key, one.name),
                )
        later = [moment for moment in moments.values() if moment > now]
        return Outlook(len(later) + len(self._at_work), min(later, default=None))

    def end(self) -> None:
        """What is being started is finished by its thread; the others wait in the store."""

    def _done(self, container_id: str, name: str, error: BaseException | None) -> None:
        self._at_work.discard(container_id)
        self._not_before.pop(container_id, None)
        if error is None:
            return
        self._not_before[container_id] = time.time_ns() + RETRY  # its record may not have changed
        words = error.message if isinstance(error, DockyardError) else repr(error)
        self._host.journal.error(f"container {name} could not be restarted: {words}")
