"""Waiting until the gateway serves what was declared, and replicas are ready."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from dockyard.compose.progress import Listener, Step
from dockyard.errors import DockyardError, ServiceFailed
from dockyard.serving import programs, publication
from dockyard.serving.decide import backoff
from dockyard.serving.model import Service
from dockyard.serving.places import Serving
from dockyard.serving.records import Standing
from dockyard.serving.store import ServingStore
from dockyard.state.paths import Paths

_POLL_SECONDS: Final = 0.05
_GONE_SECONDS: Final = 5.0
_GATEWAY_SECONDS: Final = 30.0


class Arrival:
    """What commands wait for; the controller does it."""

    def __init__(self, paths: Paths, store: ServingStore) -> None:
        self._paths = paths
        self._store = store

    def gone(self, project: str, names: Collection[str]) -> None:
        """Waits a while until the gateway doesn't serve services any more.

        Args:
            names: all of the project where there is none.
        """
        if not programs.running(self._paths):
            return
        programs.wake(self._paths)
        deadline = time.monotonic() + _GONE_SECONDS
        while self._is_served(project, names) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def _is_served(self, project: str, names: Collection[str]) -> bool:
        known = publication.read(Serving(self._paths)).services.values()
        return any(one.project == project and (not names or one.name in names) for one in known)

    def _await_gateway(self, served: Collection[Service]) -> None:
        """Waits until the gateway serves what was declared, as it was declared."""
        deadline = time.monotonic() + _GATEWAY_SECONDS
        while True:
            found = publication.read(Serving(self._paths))
            refused = [
                f"service {each.name} isn't served: {found.problems[name]}"
                for each in served
                if (name := f"{each.project}/{each.name}") in found.problems
                and found.services.get(name) == each
            ]
            if refused:
                raise ServiceFailed(
                    "; ".join(refused), hint="mend its block (x-dockyard), or free what is taken"
                )
            if all(found.services.get(f"{each.project}/{each.name}") == each for each in served):
                return
            if time.monotonic() > deadline:
                told = (found.problems.get(f"{one.project}/{one.name}", "") for one in served)
                said = next(filter(None, told), "")
                raise ServiceFailed(
                    f"the gateway hasn't taken over {', '.join(one.name for one in served)}"
                    f" within {_GATEWAY_SECONDS:g} s{': ' if said else ''}{said}",
                    hint="dockyard services logs tells what gateway and controller say",
                )
            time.sleep(_POLL_SECONDS)

    def ready(self, served: Collection[Service], listener: Listener, seconds: float | None) -> None:
        """Waits until each service that has replicas without requests has one that is ready.

        Args:
            seconds: for each; its own deadline where ``None``.

        Raises:
            ServiceFailed: one isn't, or the gateway doesn't serve it.
        """
        self._await_gateway(served)
        for each in served:
            subject = f"Service {each.name}"
            if not any(one.scale.min for one in each.variants if not one.shadow):
                listener(Step(subject, "Idle", "done"))
                continue
            listener(Step(subject, "Waiting"))
            try:
                self._await_one(each, seconds)
            except DockyardError:
                listener(Step(subject, "Error", "error"))
                raise
            listener(Step(subject, "Ready", "done"))

    def _await_one(self, service: Service, seconds: float | None) -> None:
        first = service.variants[0]
        limit = seconds if seconds is not None else first.ready.deadline
        deadline = time.monotonic() + limit
        while True:
            declared = self._store.get(service.project, service.name)
            if declared is None or declared.variant(first.name).scale.min == 0:
                return
            standings = self._store.standings()
            stands = standings.get((service.project, first.name), Standing())
            known = stands.template == declared.templates[first.name].hash
            if known and stands.current:
                return
            hopeless = backoff.is_told(stands.failures)
            if (known and hopeless) or time.monotonic() > deadline:
                reason = stands.reason or f"it isn't ready after {limit:g} s"
                raise ServiceFailed(
                    f"service {service.name}: {reason}",
                    hint=f"dockyard explain {service.name} tells what was tried",
                )
            time.sleep(_POLL_SECONDS)
