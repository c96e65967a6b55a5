"""Services that take over what other services say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dockyard.compose.load.context import Context
from dockyard.compose.load.merge import extended
from dockyard.compose.load.paths import resolved
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.placed import Placed, below, together
from dockyard.compose.load.problem import problem, suggestion
from dockyard.compose.load.reset import without

Tree = dict[str, Any]


class Layer(msgspec.Struct, frozen=True):
    """A file's own tree, and what it resets of that which it is laid over."""

    file: str
    whole: Placed
    resets: tuple[Path, ...] = ()


Read = Callable[[str], Layer]
"""Reads another file for the services in it."""


def with_extended(layer: Layer, context: Context, read: Read) -> Placed:
    """The file's tree with all its services complete.

    Args:
        read: reads a file that a service names.

    Raises:
        InvalidInput: a service that is extended isn't there, or extends itself in the end.
        NotFound: a file isn't there.
    """
    whole = layer.whole
    services = whole.tree.get("services")
    if "services" not in whole.tree:
        return whole
    if not isinstance(services, dict):
        raise problem(whole.places, ("services",), "this must be a mapping of services")
    resolver = _Resolver(context, read)
    complete: Tree = {}
    for name in services:
        one = resolver.service(layer, name, ())
        complete[name] = one.tree if one else None
        if one:
            whole = Placed(whole.tree, together(whole.places, one.places))
    return Placed({**whole.tree, "services": complete}, whole.places)


_Chain = tuple[tuple[str, str], ...]


class _Resolver:
    """Completes services, each once, reading each file once."""

    def __init__(self, context: Context, read: Read) -> None:
        self._context = context
        self._read = read
        self._complete: dict[tuple[int, str], Placed | None] = {}
        self._layers: dict[str, Layer] = {}

    def service(self, layer: Layer, name: str, chain: _Chain) -> Placed | None:
        """A service with what it extends; None where the file only names it."""
        key = (id(layer), name)  # a file may be read twice: as it is, and for its services
        if key not in self._complete:
            chain = (*chain, (layer.file, name))
            self._complete[key] = self._completed(layer, name, chain)
        return self._complete[key]

    def _completed(self, layer: Layer, name: str, chain: _Chain) -> Placed | None:
        path: Path = ("services", name)
        places = layer.whole.places
        tree = layer.whole.tree["services"][name]
        if tree is None:
            return None
        if not isinstance(tree, dict):
            raise problem(places, path, "a service must be a mapping")
        service = Placed(tree, below(places, path, path))
        if "extends" not in tree:
            return service
        other, wanted = self._reference(layer, name)
        if (other.file, wanted) in chain:
            raise _circular(places, path, (*chain, (other.file, wanted)))
        base = self.service(other, wanted, chain)
        if base is None:
            return service
        moved = below(base.places, ("services", wanted), path)
        left = without({"services": {name: base.tree}}, layer.resets)
        kept = left.get("services", {}).get(name, base.tree)
        joined = extended(Placed(kept, moved), service, path)
        own = {key: value for key, value in joined.tree.items() if key != "extends"}
        return Placed(own, joined.places)

    def _reference(self, layer: Layer, name: str) -> tuple[Layer, str]:
        """The file, and the service in it, that a service extends."""
        path: Path = ("services", name, "extends")
        places = layer.whole.places
        extends = layer.whole.tree["services"][name]["extends"]
        file = None
        if isinstance(extends, dict):
            file, extends = extends.get("file"), extends.get("service")
            path = (*path, "service")
        if not isinstance(extends, str):
            raise problem(places, path, "this must be the name of a service")
        if file is None:
            self._find(layer, extends, places, path)
            return layer, extends
        if not isinstance(file, str):
            raise problem(places, (*path[:-1], "file"), "this must be the name of a file")
        other = self._layer(self._context.located(file, places, (*path[:-1], "file")))
        self._find(other, extends, places, path)
        return other, extends

    def _layer(self, located: str) -> Layer:
        if located not in self._layers:
            layer = self._read(located)
            directory = os.path.relpath(os.path.dirname(located), self._context.directory)
            tree = resolved(layer.whole.tree, self._context.based(directory), layer.whole.places)
            whole = Placed(tree, layer.whole.places)
            self._layers[located] = Layer(located, whole, layer.resets)
        return self._layers[located]

    def _find(self, layer: Layer, name: str, places: Places, path: Path) -> None:
        services = layer.whole.tree.get("services")
        if isinstance(services, dict) and name in services:
            return
        known: Iterable[str] = services if isinstance(services, dict) else ()
        raise problem(
            places,
            path,
            f"there is no service {name!r} in {layer.file}",
            suggestion(name, known),
        )


def _circular(places: Places, path: Path, chain: _Chain) -> Exception:
    steps = " -> ".join(f"{service} ({os.path.basename(file)})" for file, service in chain)
    return problem(places, (*path, "extends"), f"the service extends itself: {steps}")
