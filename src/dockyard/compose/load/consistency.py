"""What is wrong with a project whose elements are right one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dockyard.compose.load.consistency_service import Named, service_wrongs
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.problem import problem
from dockyard.compose.load.profiles import Selection

Tree = dict[str, Any]


def consistent(selection: Selection, places: Places) -> Selection:
    """The project, checked; where ``scale`` is said ``deploy.replicas`` is the same.

    Raises:
        InvalidInput: a service uses what there isn't, says the same twice with different
            values, or depends on itself.
    """
    for path, message, hint in _wrongs(selection):
        raise problem(places, path, message, hint)
    scaled = {name: _with_scale(service) for name, service in selection.services.items()}
    return selection.with_services(scaled)


def require_different_names(selection: Selection, places: Places) -> None:
    """Checks that no two active services have the same ``container_name``.

    Raises:
        InvalidInput: two have.
    """
    owners: dict[str, str] = {}
    for name, service in selection.services.items():
        container = service.get("container_name")
        if container in owners:
            path = ("services", name, "container_name")
            raise problem(places, path, f"service {owners[container]} has the same name")
        if container:
            owners[container] = name


def _wrongs(selection: Selection) -> Iterator[tuple[Path, str, str | None]]:
    named = Named(selection)
    for name, service in selection.services.items():
        yield from service_wrongs(name, service, named)
    for name, secret in selection.tree.get("secrets", {}).items():
        if not any(secret.get(key) for key in ("external", "file", "environment")):
            hint = "a secret's value is in a file, in a variable, or made elsewhere"
            yield ("secrets", name), "has neither file nor environment", hint
    yield from _cycles(selection.services)


def _with_scale(service: Tree) -> Tree:
    if "scale" not in service or "deploy" not in service:
        return service
    return {**service, "deploy": {**service["deploy"], "replicas": service["scale"]}}


_FINISHED: Final = 2


def _cycles(services: Tree) -> Iterator[tuple[Path, str, str | None]]:
    """Dependencies that lead back to where they began; each service is looked at once."""
    state: dict[str, int] = {}
    for start in sorted(services):
        trail: list[str] = []
        waiting = [(start, iter(_dependencies(services, start)))] if start not in state else []
        for name, _ in waiting:
            state[name] = 1
            trail.append(name)
        while waiting:
            name, rest = waiting[-1]
            following = next(rest, None)
            if following is None:
                state[name] = _FINISHED
                trail.pop()
                waiting.pop()
            elif state.get(following) == 1:
                cycle = [*trail[trail.index(following) :], following]
                hint = "one of these must not wait for the other"
                message = f"dependencies go round in a circle: {' -> '.join(cycle)}"
                yield ("services", following, "depends_on"), message, hint
                return
            elif following not in state:
                state[following] = 1
                trail.append(following)
                waiting.append((following, iter(_dependencies(services, following))))


def _dependencies(services: Tree, name: str) -> list[str]:
    return [each for each in sorted(services[name].get("depends_on", {})) if each in services]
