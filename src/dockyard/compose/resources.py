"""What is to be done about a project's networks and volumes before its containers. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dockyard.compose import labels
from dockyard.compose.actions import (
    Action,
    MakeNetwork,
    MakeVolume,
    Remove,
    RemoveNetwork,
    RemoveVolume,
    Stop,
)
from dockyard.compose.desired import names
from dockyard.compose.desired import shared as wanted
from dockyard.compose.observe import UP, Observed
from dockyard.compose.options import CreateOptions
from dockyard.compose.situation import Situation
from dockyard.errors import Conflict, NotFound
from dockyard.networks.request import NetworkRequest


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """The actions, and what they do to containers."""

    actions: tuple[Action, ...] = ()
    warnings: tuple[str, ...] = ()
    stopped: frozenset[str] = frozenset()
    """Ids of containers that are stopped for another network."""
    removed: frozenset[str] = frozenset()
    """Ids of those that go for another volume."""


def shared(situation: Situation, options: CreateOptions) -> Shared:
    """What is to be made, or made anew.

    Raises:
        NotFound: something external isn't there.
        Conflict: a network of that name is another one of the project's.
    """
    work = _Work(situation, options)
    for key in wanted.used_networks(situation.project):
        work.network(key)
    for key in wanted.used_volumes(situation.project):
        work.volume(key)
    return work.result()


class _Work:
    """Collects what is to be done."""

    def __init__(self, situation: Situation, options: CreateOptions) -> None:
        self._situation = situation
        self._options = options
        self._actions: list[Action] = []
        self._warnings: list[str] = []
        self._stopped: set[str] = set()
        self._removed: set[str] = set()

    def result(self) -> Shared:
        return Shared(
            actions=tuple(self._actions),
            warnings=tuple(self._warnings),
            stopped=frozenset(self._stopped),
            removed=frozenset(self._removed),
        )

    def network(self, key: str) -> None:
        """One network: found, made, or made anew."""
        project, present = self._situation.project, self._situation.networks
        name = names.network_name(project, key)
        found = present.get(name)
        if project.networks[key].external:
            if found is None and not any(each.id == name for each in present.values()):
                raise NotFound(
                    f"network {name} declared as external, but could not be found",
                    hint=f"make it first: dockyard network create {name}",
                )
            return
        request = wanted.network(project, key)
        if found is None:
            self._actions.append(MakeNetwork(key=f"network:{name}", request=request))
            return
        self._check_owner("network", name, found.labels)
        if found.labels.get(labels.NETWORK, "") != key:
            raise Conflict(
                f"network {name} was found but has incorrect label {labels.NETWORK} set to"
                f' "{found.labels.get(labels.NETWORK, "")}" (expected: "{key}")',
                hint="external: true uses a network that is there already",
            )
        if found.labels.get(labels.HASH, "") not in {"", request.labels[labels.HASH]}:
            self._differing_network(name, request)

    def _differing_network(self, name: str, request: NetworkRequest) -> None:
        attached = [each for each in self._situation.stack.containers
                    if name in each.networks and each.state in UP]  # fmt: skip
        others = ", ".join(each.name for each in attached if not self._comes_back(each))
        if not self._options.keep_shared and not others:
            self._remake_network(name, request, attached)
            return
        mend = "up makes it anew"
        if not self._options.keep_shared:
            mend = (
                f"{others} would lose it and not be started again; up of all services makes it anew"
            )
        self._warnings.append(
            f'Network "{name}" exists but doesn\'t match configuration in compose file. It stays as'
            f" it is: {mend}"
        )

    def _comes_back(self, each: Observed) -> bool:
        """Whether this command starts a container again that it stops, or removes it anyway."""
        project = self._situation.project
        if each.oneoff:
            return False
        orphan = each.service not in project.services and each.service not in project.disabled
        return each.service in project.services or (orphan and self._options.remove_orphans)

    def _remake_network(
        self, name: str, request: NetworkRequest, attached: Iterable[Observed]
    ) -> None:
        """Containers let go of it by a stop, and find the new one at their start."""
        stops = self._stop(attached)
        self._actions.append(RemoveNetwork(key=f"remove:{name}", name=name, after=stops, must=True))
        self._actions.append(
            MakeNetwork(key=f"network:{name}", request=request, after=(f"remove:{name}",))
        )

    def volume(self, key: str) -> None:
        """One volume: found, made, or, where that is agreed to, made anew."""
        project = self._situation.project
        name = names.volume_name(project, key)
        found = self._situation.volumes.get(name)
        if project.volumes[key].external:
            if found is None:
                raise NotFound(
                    f'external volume "{name}" not found',
                    hint=f"make it first: dockyard volume create {name}",
                )
            return
        volume = wanted.volume(project, key)
        if found is None:
            self._actions.append(MakeVolume(key=f"volume:{name}", volume=volume))
            return
        self._check_owner("volume", name, found.labels)
        if found.labels.get(labels.HASH, "") in {"", volume.hash}:
            return
        if self._options.keep_shared or not self._options.yes:
            self._warnings.append(
                f'Volume "{name}" exists but doesn\'t match configuration in compose file. It stays'
                " as it is: -y makes it anew, and what is in it is lost"
            )
            return
        self._remake_volume(name, volume)

    def _remake_volume(self, name: str, volume: wanted.WantedVolume) -> None:
        users = [each for each in self._situation.stack.containers
                 if any(mount.source == name for mount in each.record.mounts)]  # fmt: skip
        self._stop(users)
        gone = []
        for each in users:
            if each.id not in self._removed:
                self._removed.add(each.id)
                self._actions.append(Remove(
                    key=f"gone:{each.id}", service=each.service, name=each.name, id=each.id,
                    after=(f"stop:{each.id}",),
                ))  # fmt: skip
            gone.append(f"gone:{each.id}")
        self._actions.append(RemoveVolume(key=f"remove:{name}", name=name, after=tuple(gone)))
        self._actions.append(
            MakeVolume(key=f"volume:{name}", volume=volume, after=(f"remove:{name}",))
        )

    def _stop(self, containers: Iterable[Observed]) -> tuple[str, ...]:
        keys = []
        for each in containers:
            keys.append(f"stop:{each.id}")
            if each.id not in self._stopped:
                self._stopped.add(each.id)
                self._actions.append(Stop(
                    key=keys[-1], service=each.service, name=each.name, id=each.id,
                    timeout=self._options.timeout,
                ))  # fmt: skip
        return tuple(keys)

    def _check_owner(self, kind: str, name: str, found: dict[str, str]) -> None:
        owner = found.get(labels.PROJECT)
        if owner is None:
            self._warnings.append(
                f"a {kind} with name {name} exists but was not created by compose. Set"
                f" `external: true` to use an existing {kind}"
            )
        elif owner != self._situation.project.name:
            self._warnings.append(
                f"a {kind} with name {name} exists but was not created for project"
                f' "{self._situation.project.name}". Set `external: true` to use an existing {kind}'
            )
