"""Which containers of a project stay, and which are made, made anew or removed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from dockyard.compose import order, rolling
from dockyard.compose.actions import Action, Create, Recreate, Remove, Rename, Running, Stop
from dockyard.compose.desired import names
from dockyard.compose.desired.service import Desired
from dockyard.compose.diverge import differs
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.compose.observe import UP, Observed
from dockyard.compose.options import CreateOptions
from dockyard.compose.order import Needs
from dockyard.compose.resources import Shared
from dockyard.compose.situation import Situation

_UNFINISHED: Final = re.compile(r"([0-9a-f]{12})_.+")
"""The name of a container that is yet to get the name of the one that it stands in for."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A container as it is once the plan's containers are made."""

    name: str
    number: int = 0
    id: str = ""
    """Empty for one that is yet to be made."""
    running: bool = False
    update: Recreate | None = None
    """How it is made while others start already, by :mod:`dockyard.compose.rolling`."""

    @property
    def target(self) -> str:
        return self.id or self.name


Present = dict[str, tuple[Slot, ...]]
"""By service."""


def slot(each: Observed, *, running: bool | None = None) -> Slot:
    """A container that stays as it is."""
    return Slot(
        name=each.name, number=each.number, id=each.id,
        running=each.running if running is None else running,
    )  # fmt: skip


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with containers before any is started."""

    removals: tuple[Action, ...] = ()
    """Of orphans."""
    mends: tuple[Action, ...] = ()
    """What undoes or finishes the work of a killed command, before the actions need its names."""
    actions: tuple[Action, ...] = ()
    present: Present = {}
    warnings: tuple[str, ...] = ()


def containers(situation: Situation, options: CreateOptions, graph: Needs, shared: Shared) -> Made:
    """What is to be done with the containers of each service, those that are needed first."""
    work = _Work(situation, options, graph, shared)
    for service in situation.project.services.values():
        work.mend(service)
    for name in order.in_order(graph):
        work.service(situation.project.services[name])
    return work.result()


def _orphans_words(found: Iterable[Observed]) -> str:
    listed = " ".join(each.name for each in found)
    return (
        f"Found orphan containers ([{listed}]) for this project. If you removed or renamed this"
        " service in your compose file, you can run this command with the --remove-orphans flag to"
        " clean it up."
    )


def orphans(situation: Situation) -> tuple[Observed, ...]:
    """Containers of services that the project doesn't have, and ended ones of ``compose run``."""
    known = situation.project.services.keys() | situation.project.disabled.keys()
    return tuple(
        each
        for each in situation.stack.containers
        if (each.state == "exited" if each.oneoff else each.service not in known)
    )


def donors(project: Project, service: Service, present: Present) -> dict[str, str]:
    """Names of the first containers of the services whose namespaces or volumes a service has.

    By the names that are expected of them, where these differ.
    """
    found: dict[str, str] = {}
    known = {**project.disabled, **project.services}
    for donor in (*order.joined_services(service).values(), *order.donors(service)):
        first = _first(present, donor)
        if first is not None:
            expected = names.container_name(project, known[donor], 1)
            found |= {expected: first.name} if first.name != expected else {}
    return found


def _first(present: Present, service: str) -> Slot | None:
    return min(present.get(service, ()), key=lambda slot: slot.number, default=None)


class _Work:
    """Goes through the services in order, and collects what is to be done."""

    def __init__(
        self, situation: Situation, options: CreateOptions, graph: Needs, shared: Shared
    ) -> None:
        self._situation = situation
        self._options = options
        self._graph = graph
        self._dependents = order.reversed_graph(graph)
        self._mends: list[Action] = []
        self._actions: list[Action] = []
        self._present: Present = {}
        self._stopped = set(shared.stopped)
        self._removed = set(shared.removed)
        self._keys: dict[str, tuple[str, ...]] = {}

    def result(self) -> Made:
        found = [each for each in orphans(self._situation) if each.id not in self._removed]
        removals: tuple[Action, ...] = ()
        warnings: tuple[str, ...] = ()
        if found and self._options.remove_orphans:
            removals = tuple(action for each in found for action in self._removal(each))
        elif found and not self._options.ignore_orphans:
            warnings = (_orphans_words(found),)
        return Made(
            removals=removals, mends=tuple(self._mends), actions=tuple(self._actions),
            present=self._present, warnings=warnings,
        )  # fmt: skip

    def service(self, service: Service) -> None:
        """The containers of one service."""
        wanted = self._situation.wanted[service.name]
        before = len(self._actions)
        present = self._of(service)
        outdated = {each.id for each in present if self._is_outdated(service, wanted, each)}
        present.sort(key=lambda each: (each.id in outdated, each.number))
        expected = order.scale(service)
        slots = [self._keep(each) for each in present[:expected] if each.id not in outdated]
        slots += self._recreate_all(
            service, [each for each in present[:expected] if each.id in outdated]
        )
        for each in present[expected:]:
            self._actions += self._removal(each)
        number = max((each.number for each in present), default=0)
        while len(slots) < expected:
            number += 1
            slots.append(self._create(service, number))
        self._present[service.name] = tuple(slots)
        self._keys[service.name] = tuple(
            action.key for action in self._actions[before:] if not isinstance(action, Running)
        )

    def _of(self, service: Service) -> list[Observed]:
        return [each for each in self._situation.stack.of(service.name)
                if each.id not in self._removed]  # fmt: skip

    def mend(self, service: Service) -> None:
        """Undoes or finishes what a killed command left half-done of a service."""
        present = self._of(service)
        short_ids = {each.record.short_id for each in present}
        for each in present:
            match = _UNFINISHED.fullmatch(each.name) if each.replaces else None
            if match is None:
                continue
            if match[1] in short_ids:  # the one that it was to stand in for is still there
                self._removed.add(each.id)
                self._mends.append(Remove(
                    key=f"undo:{each.id}", service=service.name, name=each.name, id=each.id,
                    volumes=True,
                ))  # fmt: skip
            else:
                wanted = names.container_name(self._situation.project, service, each.number)
                self._mends.append(Rename(
                    key=f"rename:{each.id}", service=service.name, name=each.name, id=each.id,
                    wanted=wanted,
                ))  # fmt: skip

    def _is_outdated(self, service: Service, wanted: Desired, each: Observed) -> bool:
        options = self._options
        named = not options.services or service.name in options.services
        policy = options.recreate if named else options.recreate_dependencies
        if policy != "diverged":
            return policy == "force"
        image = self._situation.images.get(service.name)
        if image is not None and each.image_digest != image.id:
            return True
        if differs(wanted, each, self._situation, checks_networks=each.id not in self._stopped):
            return True
        return self._shares_with_another(service, each) or self._lacks_given(service, wanted, each)

    def _shares_with_another(self, service: Service, each: Observed) -> bool:
        """Whether it is in the namespace of a container that isn't there any more."""
        record = each.record.options
        modes = {"network": record.networking.network, "ipc": record.namespaces.ipc,
                 "pid": record.namespaces.pid}  # fmt: skip
        for kind, donor in order.joined_services(service).items():
            first = self._first(donor)
            if first is None or not first.id or modes[kind] != order.CONTAINER_PREFIX + first.id:
                return True
        return False

    def _lacks_given(self, service: Service, wanted: Desired, each: Observed) -> bool:
        """Whether it hasn't what its donors mount, such as those that an earlier command made
        anew with other volumes."""
        present = {one.id: one for one in self._situation.stack.containers}
        given: dict[str, str | None] = {}
        for first in map(self._first, order.donors(service)):
            if first is None or not first.id:
                return True
            mounts = present[first.id].record.mounts
            given |= {mount.target: mount.source for mount in mounts if mount.kind != "tmpfs"}
        own = {mount.target for mount in wanted.options.mounts}
        has = {(mount.target, mount.source) for mount in each.record.mounts}
        return any(pair not in has and pair[0] not in own for pair in given.items())

    def _first(self, service: str) -> Slot | None:
        return _first(self._present, service)

    def _donors(self, service: Service) -> dict[str, str]:
        return donors(self._situation.project, service, self._present)

    def _create(self, service: Service, number: int) -> Slot:
        name = names.container_name(self._situation.project, service, number)
        self._actions.append(Create(
            key=f"create:{name}", service=service.name, name=name, number=number,
            donors=self._donors(service), after=self._after(service),
        ))  # fmt: skip
        return Slot(name=name, number=number)

    def _recreate_all(self, service: Service, outdated: list[Observed]) -> list[Slot]:
        """At once, or a few at a time where the service wants that and nobody shares with it."""
        found = [self._recreation(service, each) for each in outdated]
        asked = rolling.config(service)
        at_once = len(outdated) if asked is None else rolling.batch_size(asked, len(outdated))
        rolls = at_once < len(outdated) or rolling.starts_first(service)
        if not rolls or self._is_donor(service.name):
            self._actions += found
            return [Slot(name=each.wanted, number=each.number) for each in found]
        return [Slot(name=each.wanted, number=each.number, update=each) for each in found]

    def _is_donor(self, name: str) -> bool:
        return any(
            name in {*order.joined_services(each).values(), *order.donors(each)}
            for each in self._situation.project.services.values()
        )

    def _recreation(self, service: Service, each: Observed) -> Recreate:
        stops = self._stop_dependents(service)
        own = (f"stop:{each.id}",) if f"stop:{each.id}" in self._own_keys() else ()
        return Recreate(
            key=f"recreate:{each.id}",
            service=service.name,
            name=each.name,
            id=each.id,
            number=each.number,
            wanted=names.container_name(self._situation.project, service, each.number),
            inherit=self._options.inherit,
            timeout=self._options.timeout,
            donors=self._donors(service),
            after=(*self._after(service), *stops, *own),
        )

    def _own_keys(self) -> set[str]:
        return {action.key for action in self._actions}

    def _keep(self, each: Observed) -> Slot:
        running = each.running and each.id not in self._stopped
        if running:
            self._actions.append(Running(
                key=f"running:{each.id}", service=each.service, name=each.name, id=each.id
            ))  # fmt: skip
        return slot(each, running=running)

    def _after(self, service: Service) -> tuple[str, ...]:
        """Those whose namespaces or volumes it has are made before."""
        donors = (*order.joined_services(service).values(), *order.donors(service))
        return tuple(key for donor in dict.fromkeys(donors) for key in self._keys.get(donor, ()))

    def _stop_dependents(self, service: Service) -> tuple[str, ...]:
        """Stops those that want to be restarted with a service whose container is made anew."""
        keys = []
        for name in self._dependents.get(service.name, ()):
            if not self._graph[name][service.name].restart:
                continue
            for each in self._situation.stack.of(name):
                if each.state not in UP or each.id in self._removed:
                    continue
                if each.id not in self._stopped:
                    self._stopped.add(each.id)
                    self._actions.append(Stop(
                        key=f"stop:{each.id}", service=name, name=each.name, id=each.id,
                        timeout=self._options.timeout,
                    ))  # fmt: skip
                keys.append(f"stop:{each.id}")
        return tuple(keys)

    def _removal(self, each: Observed) -> tuple[Action, ...]:
        stop = Stop(key=f"down:{each.id}", service=each.service, name=each.name, id=each.id,
                    timeout=self._options.timeout)  # fmt: skip
        remove = Remove(key=f"remove:{each.id}", service=each.service, name=each.name, id=each.id,
                        after=(stop.key,))  # fmt: skip
        return stop, remove
