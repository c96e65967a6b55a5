"""Which services need which, and in what order they come up. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from dockyard.compose.model.parts import Dependency
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.errors import InvalidInput

SERVICE_PREFIX = "service:"
"""How a mode begins that means another service's namespace."""
CONTAINER_PREFIX = "container:"
"""How it begins where it means any container's."""

Needs = dict[str, dict[str, Dependency]]
"""For each service those that it needs."""


def joined_services(service: Service) -> dict[str, str]:
    """The services whose namespaces a service's containers are in: ``network``, ``ipc``, ``pid``
    to the name."""
    modes = {"network": service.network_mode, "ipc": service.ipc, "pid": service.pid}
    return {
        kind: mode.removeprefix(SERVICE_PREFIX)
        for kind, mode in modes.items()
        if mode.startswith(SERVICE_PREFIX)
    }


def donors(service: Service) -> tuple[str, ...]:
    """The services whose volumes a service's containers have as well (``volumes_from``)."""
    return tuple(
        entry.partition(":")[0]
        for entry in service.volumes_from
        if not entry.startswith(CONTAINER_PREFIX)
    )


def linked(service: Service) -> dict[str, str]:
    """``links`` as names by which services are found, to the services."""
    found = {}
    for entry in service.links:
        name, _, alias = entry.partition(":")
        found[alias or name] = name
    return found


def needs(service: Service) -> dict[str, Dependency]:
    """What must be there before a service: what it says, and what follows from what it shares."""
    implied: dict[str, Dependency] = {}
    for name in linked(service).values():
        implied[name] = Dependency(restart=True)
    for name in donors(service):
        implied[name] = Dependency()
    for name in joined_services(service).values():
        implied[name] = Dependency(restart=True)
    return implied | service.depends_on


def graph(project: Project) -> Needs:
    """What each service of a project needs; what isn't required and isn't there is left out.

    Raises:
        InvalidInput: a service that is needed is missing or disabled, or there is a cycle.
    """
    found = {name: _present(project, service) for name, service in project.services.items()}
    cycle = _cycle(found)
    if cycle:
        raise InvalidInput(
            f"dependency cycle detected: {' -> '.join(cycle)}",
            hint="each of these services waits for the next one: take one of the dependencies out",
        )
    return found


def _present(project: Project, service: Service) -> dict[str, Dependency]:
    found = {}
    for name, each in needs(service).items():
        if name in project.services:
            found[name] = each
        elif each.required:
            raise _missing(project, service.name, name)
    return found


def _missing(project: Project, who: str, name: str) -> InvalidInput:
    if name not in project.disabled:
        return InvalidInput(
            f'service "{who}" depends on undefined service "{name}"',
            hint=f"there are {', '.join(sorted(project.services)) or 'none'}",
        )
    profiles = " ".join(project.disabled[name].profiles)
    return InvalidInput(
        f"service {name} is required by {who} but is disabled."
        f" Can be enabled by profiles [{profiles}]",
        hint=f"dockyard compose --profile {profiles.partition(' ')[0] or 'NAME'} ...",
    )


def _cycle(needed: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The services of a cycle, the first one again at the end; none where there is no cycle."""
    done: set[str] = set()
    for first in needed:
        path: list[str] = []
        open_ends = [iter((first,))]
        while open_ends:
            name = next(open_ends[-1], None)
            if name is None:
                open_ends.pop()
                done.update(path[-1:])
                del path[-1:]
            elif name in path:
                return (*path[path.index(name) :], name)
            elif name not in done:
                path.append(name)
                open_ends.append(iter(needed.get(name, ())))
    return ()


def levels(needed: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    """Services in the order in which they come up; those of one level need not wait for another.

    Args:
        needed: without cycles; names that aren't keys don't count.
    """
    found: list[tuple[str, ...]] = []
    left = {name: set(each) & set(needed) for name, each in needed.items()}
    while left:
        ready = tuple(sorted(name for name, each in left.items() if not each))
        found.append(ready)
        left = {name: each - set(ready) for name, each in left.items() if name not in ready}
    return tuple(found)


def in_order(needed: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """All services, what is needed before what needs it."""
    return tuple(name for level in levels(needed) for name in level)


def reversed_graph(needed: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Who needs each service."""
    found: dict[str, list[str]] = {name: [] for name in needed}
    for name, each in needed.items():
        for other in each:
            if other in found:
                found[other].append(name)
    return {name: tuple(sorted(each)) for name, each in found.items()}


def closure(needed: Mapping[str, Collection[str]], names: Iterable[str]) -> tuple[str, ...]:
    """Some services and all that they need, directly or not; sorted."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(each for each in needed.get(name, ()) if each in needed)
    return tuple(sorted(found))


def require_scalable(project: Project) -> None:
    """Refuses two services, or containers, of one name.

    Raises:
        InvalidInput: in Compose's words.
    """
    names: dict[str, str] = {}
    for service in project.services.values():
        if not service.container_name:
            continue
        if scale(service) > 1:
            raise InvalidInput(
                f'WARNING: The "{service.name}" service is using the custom container name'
                f' "{service.container_name}". Docker requires each container to have a unique'
                " name. Remove the custom name to scale the service",
                hint=f"take container_name out of service {service.name}, or scale it to 1",
            )
        other = names.setdefault(service.container_name, service.name)
        if other != service.name:
            raise InvalidInput(
                f'services "{other}" and "{service.name}" have the same container_name'
                f' "{service.container_name}"',
                hint="give one of them another name",
            )


def scale(service: Service) -> int:
    """How many containers a service has."""
    if service.scale is not None:
        return service.scale
    if service.deploy is not None and service.deploy.replicas is not None:
        return service.deploy.replicas
    return 1
