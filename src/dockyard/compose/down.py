"""What ``down`` takes away, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from dockyard.compose import order
from dockyard.compose.actions import (
    Action,
    Plan,
    Remove,
    RemoveImage,
    RemoveNetwork,
    RemoveVolume,
    Stop,
)
from dockyard.compose.converge import orphans
from dockyard.compose.desired import names
from dockyard.compose.model.project import Project
from dockyard.compose.observe import Observed, Stack
from dockyard.compose.options import DownOptions
from dockyard.compose.situation import Situation
from dockyard.oci.reference import Reference


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """What there is besides containers that may belong to a project."""

    volumes: Collection[str] = ()
    """Names of all of the engine's volumes."""
    images: Mapping[str, str] = {}
    """Names of the images that were built for the project, to their services."""
    present: Collection[str] = ()
    """Names of the services' images that are here."""


def down(project: Project, stack: Stack, options: DownOptions, owned: Owned) -> Plan:
    """What is stopped and removed, those first that others don't need.

    Args:
        project: with the named services alone, what they need, and the networks and volumes of
            these, where a file tells of them; else whole: then their dependents come along.
    """
    graph = order.graph(_lenient(project))
    chosen = _chosen(graph, options.services)
    if options.services and not chosen:
        return Plan()
    stages = [_containers(graph, stack, chosen, options)]
    if options.remove_orphans:
        lost = orphans(Situation(project=project, wanted={}, images={}, stack=stack))
        lost = (*lost, *(each for each in stack.containers if each.oneoff and each not in lost))
        stages.append(tuple(action for each in lost for action in _removal(each, options)))
    rest = (*_networks(project, stack, options, _used(stack, stages)),
            *_images(project, options, owned))  # fmt: skip
    if options.volumes:
        rest = (*rest, *_volumes(project, owned))
    stages.append(rest)
    return Plan(stages=tuple(stage for stage in stages if stage))


def _lenient(project: Project) -> Project:
    """Whatever a service needs, it can be taken down without it."""
    services = {
        name: msgspec.structs.replace(
            each, depends_on={other: msgspec.structs.replace(needed, required=False)
                              for other, needed in order.needs(each).items()},
        )
        for name, each in project.services.items()
    }  # fmt: skip
    return msgspec.structs.replace(project, services=services)


def _chosen(graph: order.Needs, services: Collection[str]) -> set[str]:
    """All services, or those that are named and what needs them."""
    dependents = order.reversed_graph(graph)
    if not services:
        return set(graph)
    waiting = [name for name in services if name in graph]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += dependents.get(name, ())
    return found


def _containers(
    graph: order.Needs, stack: Stack, chosen: Collection[str], options: DownOptions
) -> tuple[Action, ...]:
    dependents = order.reversed_graph(graph)
    actions: list[Action] = []
    gates: dict[str, tuple[str, ...]] = {}
    for name in reversed(order.in_order(graph)):
        before = tuple(key for other in dependents[name] for key in gates.get(other, ()))
        removals = [_removal(each, options, before)
                    for each in (stack.of(name) if name in chosen else ())]  # fmt: skip
        actions += [action for removal in removals for action in removal]
        gates[name] = tuple(removal[-1].key for removal in removals) or before
    return tuple(actions)


def _removal(
    each: Observed, options: DownOptions, before: tuple[str, ...] = ()
) -> tuple[Action, ...]:
    stop = Stop(
        key=f"stop:{each.id}", service=each.service, name=each.name, id=each.id, after=before,
        timeout=options.timeout,
    )  # fmt: skip
    remove = Remove(
        key=f"remove:{each.id}", service=each.service, name=each.name, id=each.id,
        after=(stop.key,), volumes=options.volumes,
    )  # fmt: skip
    return stop, remove


def _used(stack: Stack, stages: Iterable[tuple[Action, ...]]) -> set[str]:
    """The networks of the containers that stay; one that doesn't run couldn't start without."""
    removed = {each.id for stage in stages for each in stage if isinstance(each, Remove)}
    return {name for each in stack.containers if each.id not in removed for name in each.networks}


def _networks(
    project: Project, stack: Stack, options: DownOptions, used: Collection[str]
) -> tuple[Action, ...]:
    """Those that the project has made; one that its file doesn't have any more, too, unless
    services are named.

    One that the file calls external now stays, by whatever key, name or id.
    """
    own = {names.network_name(project, key) for key in project.networks}
    external = {names.network_name(project, key)
                for key, each in project.networks.items() if each.external}  # fmt: skip
    return tuple(
        RemoveNetwork(
            key=f"network:{each.name}",
            name=each.name,
            used=each.name in used or each.id in used,
        )
        for each in stack.networks.values()
        if external.isdisjoint((each.name, each.id)) and (not options.services or each.name in own)
    )


def _volumes(project: Project, owned: Owned) -> tuple[Action, ...]:
    """Those of the file, whoever made them; what it doesn't name stays, as with Docker."""
    external = {names.volume_name(project, key)
                for key, each in project.volumes.items() if each.external}  # fmt: skip
    own = dict.fromkeys(names.volume_name(project, key)
                        for key, each in project.volumes.items() if not each.external)  # fmt: skip
    return tuple(
        RemoveVolume(key=f"volume:{name}", name=name)
        for name in own
        if name in owned.volumes and name not in external
    )


def _images(project: Project, options: DownOptions, owned: Owned) -> tuple[Action, ...]:
    if not options.images:
        return ()
    found = {
        Reference.parse(name).familiar: None
        for name, service in owned.images.items()
        if options.remove_orphans or service in project.services
    }
    for service in project.services.values():
        if options.images == "all" or not service.image:
            name = names.image_name(project, service)
            if name in owned.present:
                found[Reference.parse(name).familiar] = None
    return tuple(RemoveImage(key=f"image:{name}", name=name) for name in sorted(found))
