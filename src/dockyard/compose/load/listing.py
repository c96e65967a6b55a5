"""Single facts of a project that ``config`` lists, one a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dockyard.compose.load.problem import suggestion
from dockyard.compose.load.profiles import Selection
from dockyard.compose.load.render import service_hash
from dockyard.errors import NotFound

Tree = dict[str, Any]


def services(selection: Selection) -> list[str]:
    """Names of the active services, each after those that it depends on."""
    seen: dict[str, None] = {}
    for name in sorted(selection.services):
        _visit(selection.services, name, seen)
    return list(seen)


def _visit(active: Tree, start: str, seen: dict[str, None]) -> None:
    waiting = [(start, _dependencies(active, start))]
    begun = {start}
    while waiting:
        name, rest = waiting[-1]
        following = next((each for each in rest if each not in begun | seen.keys()), None)
        if following is None:
            seen[name] = None
            waiting.pop()
        else:
            begun.add(following)
            waiting.append((following, _dependencies(active, following)))


def _dependencies(active: Tree, name: str) -> Iterator[str]:
    return (each for each in sorted(active[name].get("depends_on", {})) if each in active)


def names(selection: Selection, kind: str) -> list[str]:
    """Names of networks, volumes, … that the active services use."""
    return sorted(selection.tree.get(kind, {}))


def models(selection: Selection) -> list[str]:
    """References of the models that the active services use."""
    found = selection.tree.get("models", {}).values()
    return sorted(model["model"] for model in found if model.get("model"))


def profiles(selection: Selection) -> list[str]:
    """All profiles that services have."""
    every = selection.all_services.values()
    return sorted({name for service in every for name in service.get("profiles", ())})


def images(selection: Selection, separator: str) -> list[str]:
    """The images of the active services; what is built without a name is called after both.

    Args:
        separator: as in :class:`dockyard.compose.model.project.Project`.
    """
    project = selection.tree["name"]
    return [
        service.get("image") or f"{project}{separator}{name}"
        for name, service in selection.services.items()
    ]


def environment(variables: Mapping[str, str]) -> list[str]:
    """Variables that files were interpolated with, as ``NAME=VALUE``."""
    return sorted(f"{name}={value}" for name, value in variables.items())


def hashes(selection: Selection, wanted: Iterable[str], platform: str) -> list[str]:
    """``SERVICE HASH`` of the wanted services, of all of them where none is.

    Args:
        platform: what is built is for it where nothing else is said; may be empty.

    Raises:
        NotFound: there is no such service.
    """
    found = []
    for name in sorted(wanted) or sorted(selection.services):
        if name not in selection.services:
            hint = suggestion(name, selection.services)
            raise NotFound(f"no such service: {name}", hint=hint)
        service = selection.services[name]
        if platform and "build" in service and "platform" not in service:
            service = {**service, "platform": platform}
        found.append(f"{name} {service_hash(service)}")
    return found
