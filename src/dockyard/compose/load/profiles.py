"""Which services of a project are active, and what they need of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dockyard.compose import choice

Tree = dict[str, Any]


class Selection(msgspec.Struct, frozen=True):
    """A normalised tree of which not all services are active.

    - ``tree``: its services are the active ones;
    - ``disabled``: the others;
    - ``profiles``: those that are active.
    """

    tree: Tree
    disabled: Tree = {}
    profiles: tuple[str, ...] = ()

    @property
    def services(self) -> Tree:
        """The active services."""
        services: Tree = self.tree["services"]
        return services

    @property
    def all_services(self) -> Tree:
        """Active ones and others."""
        return dict(sorted({**self.services, **self.disabled}.items()))

    def with_services(self, services: Tree) -> Selection:
        """The same with other active services."""
        return Selection({**self.tree, "services": services}, self.disabled, self.profiles)


def select(tree: Tree, profiles: Iterable[str]) -> Selection:
    """The services without profiles, and those of active ones; ``*`` is all."""
    return _with_profiles(Selection(tree), tuple(profiles))


def _with_profiles(selection: Selection, profiles: tuple[str, ...]) -> Selection:
    every = selection.all_services
    active = {name: each for name, each in every.items()
              if choice.is_active(each.get("profiles", ()), profiles)}  # fmt: skip
    disabled = {name: each for name, each in every.items() if name not in active}
    return Selection({**selection.tree, "services": active}, disabled, profiles)


def with_named(selection: Selection, names: Iterable[str]) -> Selection:
    """With the profiles of services that are asked for by name."""
    named = (selection.disabled.get(name, {}).get("profiles", ()) for name in names)
    profiles = choice.profiles(selection.profiles, named)
    return selection if profiles == selection.profiles else _with_profiles(selection, profiles)


def only(selection: Selection, names: Iterable[str], *, alone: bool = False) -> Selection:
    """With the named services and what they depend on; all of them where none is named.

    Args:
        names: a name may have ``*``, ``?`` and ``[ ]``.
        alone: without what they depend on.

    Raises:
        NotFound: there is no such service, or it isn't active.
    """
    wanted = tuple(names)
    if not wanted:
        return selection
    chosen = _chosen(selection.services, wanted, alone=alone)
    active = {
        name: _without_dependencies(service, chosen)
        for name, service in selection.services.items()
        if name in chosen
    }
    rest = {name: each for name, each in selection.services.items() if name not in chosen}
    tree = {**selection.tree, "services": active}
    return Selection(tree, {**selection.disabled, **rest}, selection.profiles)


def _chosen(services: Tree, names: Iterable[str], *, alone: bool) -> set[str]:
    def needed(name: str) -> Iterator[tuple[str, bool]]:
        found = {} if alone else services[name].get("depends_on", {})
        return ((other, each["required"]) for other, each in found.items())

    return choice.chosen(
        names, services, needed, lambda name: choice.no_such_service(name, services)
    )


def _without_dependencies(service: Tree, chosen: set[str]) -> Tree:
    """Without those that weren't chosen."""
    if "depends_on" not in service:
        return service
    kept = {name: each for name, each in service["depends_on"].items() if name in chosen}
    return {
        key: kept if key == "depends_on" else value
        for key, value in service.items()
        if key != "depends_on" or kept
    }


def needed(selection: Selection) -> Selection:
    """Without networks, volumes, secrets, configs and models that no active service uses."""
    used: dict[str, set[str]] = {
        kind: set() for kind in ("networks", "volumes", "secrets", "configs", "models")
    }
    for service in selection.services.values():
        used["networks"].update(service.get("networks", ()))
        used["models"].update(service.get("models", ()))
        used["volumes"].update(_named_volumes(service))
        used["secrets"].update(_sources(service, "secrets"))
        used["secrets"].update(_sources(service.get("build", {}), "secrets"))
        used["configs"].update(_sources(service, "configs"))
    kept = {
        kind: {name: each for name, each in selection.tree.get(kind, {}).items() if name in names}
        for kind, names in used.items()
    }
    tree = {
        key: kept.get(key, value)
        for key, value in selection.tree.items()
        if kept.get(key, value) or key not in kept
    }
    return Selection(tree, selection.disabled, selection.profiles)


def _named_volumes(service: Tree) -> Iterator[str]:
    for volume in service.get("volumes", ()):
        if volume.get("type") == "volume" and volume.get("source"):
            yield volume["source"]


def _sources(element: Tree, kind: str) -> Iterator[str]:
    return (each.get("source", "") for each in element.get(kind, ()))
