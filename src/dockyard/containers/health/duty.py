"""The controller's duty of probing containers."""

from __future__ import annotations

import functools

from dockyard.containers import recover
from dockyard.containers.happenings import event
from dockyard.containers.health import decide, probe
from dockyard.containers.health.model import Check, Health, Result
from dockyard.containers.health.probe import Probe
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.controller.host import Host
from dockyard.controller.model import NANOSECONDS, RETRY, Outlook

_SETTLED_SOON = NANOSECONDS
"""How long whoever ends a container may take to write it down."""


class HealthDuty:
    """Watches running containers that have a check; one probe at a time in each."""

    name = "health"

    def __init__(self, parts: Parts, host: Host) -> None:
        self._parts = parts
        self._host = host
        self._probes: dict[str, Probe] = {}
        self._last = 0
        self._not_before = 0

    def look(self, now: int) -> Outlook:
        """Probes those that are due, and kills probes that take too long."""
        if not self._last:
            self._adopt(now)
        elif now < self._last:  # the clock was set back
            self._parts.health.hasten(now)
        self._last = now
        ready = self._parts.health.due(now) if now >= self._not_before else ()
        for container, health in ready:
            if container.id not in self._probes:
                self._begin(container, health, now)
        for running in tuple(self._probes.values()):
            if running.deadline is not None and running.deadline <= now:
                running.expire()
        return self._outlook()

    def end(self) -> None:
        """Kills the probes that run: nobody would read what they say."""
        for running in self._probes.values():
            running.abandon()

    def _outlook(self) -> Outlook:
        moments = {
            key: max(due, self._not_before)
            for key, due in self._parts.health.moments().items()
            if key not in self._probes
        }
        deadlines = [one.deadline for one in self._probes.values() if one.deadline is not None]
        watched = len(moments) + len(self._probes)
        return Outlook(watched, min([*moments.values(), *deadlines], default=None))

    def _adopt(self, now: int) -> None:
        """Takes over from a controller that is gone: ends its probes, and looks for itself."""
        for container, health in self._parts.health.running():
            probe.end_stray(self._parts, container)
            if health.keeper is not None:
                self._parts.health.postpone(container.id, now)

    def _begin(self, container: Container, health: Health, now: int) -> None:
        asked = container.healthcheck
        if asked is None:
            return
        if container.process is None or not container.process.alive():
            self._parts.health.postpone(container.id, now + _SETTLED_SOON)
            self._host.do(functools.partial(recover.recover, self._parts), self._recovered)
            return
        image = self._parts.images.get(container.image_id)
        check = decide.complete(asked, image.config.config.shell)
        if container.paused:  # nothing in it can answer
            self._parts.health.postpone(container.id, now + check.interval)
            return
        done = functools.partial(self._done, container, health, check)
        self._probes[container.id] = Probe(self._parts, self._host, container, check, done)
        self._probes[container.id].begin()

    def _done(self, container: Container, before: Health, check: Check, result: Result) -> None:
        del self._probes[container.id]
        self._not_before = result.end + RETRY  # unless it can be written down
        self._write(container, before, check, result)
        self._not_before = 0

    def _write(self, container: Container, before: Health, check: Check, result: Result) -> None:
        found = self._parts.health.get(container.id)
        current = self._parts.store.get(container.id)
        if found is None or found[0].run != before.run or current is None or not current.running:
            return  # it ended meanwhile
        if current.paused and result.exit_code != 0:  # it was stopped in the middle of its answer
            self._parts.health.postpone(container.id, result.end + check.interval)
            return
        after = decide.after_probe(found[0], check, result, self._host.process)
        changed = after.status != found[0].status
        told = (event(current, f"health_status: {after.status}"),) if changed else ()
        due = decide.next_probe(after, check, result.end)
        self._parts.health.put(container.id, after, due, *told)

    def _recovered(self, error: BaseException | None) -> None:
        if error is not None:
            self._host.journal.error(f"a container that ended could not be settled: {error}")
