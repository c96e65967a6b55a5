"""One tree laid over another: what a later file says, over what those before it say.

Mappings are joined, sequences follow each other, and all else is replaced; some properties have
rules of their own, because they can be written in two forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from dockyard.compose.load.patterns import Patterns
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.placed import Placed, laid_over
from dockyard.compose.load.printed import printed
from dockyard.compose.load.problem import problem

Tree = dict[str, Any]


def merged(base: Placed, other: Placed) -> Placed:
    """``other`` laid over ``base``; neither is changed.

    Raises:
        InvalidInput: what one has as a mapping or sequence is something else in the other.
    """
    tree = _mappings(base.tree, other.tree, _At((), (), other.places))
    return Placed(tree, laid_over(base, other.places, _REPLACED))


def extended(base: Placed, service: Placed, path: Path) -> Placed:
    """What a service says, laid over that of the service that it extends.

    Args:
        path: where the service is; the trees are those of services, the places those of files.
    """
    tree = _mappings(base.tree, service.tree, _At(("services", "*"), path, service.places))
    whole: Tree = base.tree
    for step in reversed(path):
        whole = {str(step): whole}
    return Placed(tree, laid_over(Placed(whole, base.places), service.places, _REPLACED))


class _At(msgspec.Struct, frozen=True):
    """Where two values meet: as rules name it, and as it is."""

    pattern: tuple[str, ...]
    path: Path
    places: Places

    def below(self, key: str) -> _At:
        return _At((*self.pattern, key), (*self.path, key), self.places)


Rule = Callable[[Any, Any, _At], Any]


def _values(base: object, other: object, at: _At) -> object:
    rule = _RULES.find(at.pattern)
    if rule is not None:
        return rule(base, other, at)
    if other is None:
        return base
    if isinstance(base, dict):
        return _mappings(base, _same_kind(other, dict, at), at)
    if isinstance(base, list):
        return [*base, *_same_kind(other, list, at)]
    return other


def _mappings(base: Tree, other: Tree, at: _At) -> Tree:
    joined = dict(base)
    for key, value in other.items():
        joined[key] = _values(base[key], value, at.below(key)) if key in base else value
    return joined


def _same_kind(other: object, kind: type, at: _At) -> Any:  # of that kind
    if isinstance(other, kind):
        return other
    name = "a mapping" if kind is dict else "a list"
    raise problem(at.places, at.path, f"this can't be laid over {name} that an earlier file has")


def _replaced(_base: object, other: object, _at: _At) -> object:
    return other


def _sequences(base: object, other: object, _at: _At) -> list[Any]:
    return [*_sequence(base), *_sequence(other)]


def _hosts(base: object, other: object, _at: _At) -> list[Any]:
    first = _sequence(base)
    return [*first, *(value for value in _sequence(other) if value not in first)]


def _logging(base: object, other: object, at: _At) -> Tree:
    """Options belong to a driver: another driver takes none of them over."""
    first, second = (_mapping(value, at) for value in (base, other))
    one, two = first.get("driver"), second.get("driver")
    if one == two or "driver" not in first or "driver" not in second:
        return _mappings(first, second, at)
    return second


def _build(base: object, other: object, at: _At) -> Tree:
    first, second = (
        {"context": value} if isinstance(value, str) else _mapping(value, at)
        for value in (base, other)
    )
    return _mappings(first, second, at)


def _depends_on(base: object, other: object, at: _At) -> Tree:
    started = {"condition": "service_started", "required": True}
    first, second = (_named(value, at, started) for value in (base, other))
    return _mappings(first, second, at)


def _names(base: object, other: object, at: _At) -> Tree:
    first, second = (_named(value, at, None) for value in (base, other))
    return _mappings(first, second, at)


def _pools(base: object, other: object, at: _At) -> list[Tree]:
    """The address pools above, each with what the base says of the same subnet."""
    known = {}
    for original in _same_kind(base, list, at):
        pool = _mapping(original, at)
        known[pool.get("subnet")] = pool
    pools = [_mapping(override, at) for override in _same_kind(other, list, at)]
    return [_mappings(known.get(pool.get("subnet"), {}), pool, at) for pool in pools]


def _mapping(value: object, at: _At) -> Tree:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise problem(at.places, at.path, "this must be a mapping")


def _named(value: object, at: _At, default: Mapping[str, Any] | None) -> Tree:
    """A list of names as a mapping of them."""
    if not isinstance(value, list):
        return _mapping(value, at)
    if not all(isinstance(name, str) for name in value):
        raise problem(at.places, at.path, "this must be a list of names")
    return {name: None if default is None else dict(default) for name in value}


def _sequence(value: object) -> list[Any]:
    """A mapping as a list of ``KEY=value``, sorted; a text as a list of it."""
    if isinstance(value, dict):
        return sorted(_assignments(value))
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def _assignments(mapping: Tree) -> Iterable[str]:
    for key, value in mapping.items():
        if value is None:
            yield key
        else:
            for each in value if isinstance(value, list) else [value]:
                yield f"{key}={printed(each)}"


_RULES: Final = Patterns[Rule](
    {
        _pools: "networks.*.ipam.config",
        _build: "services.*.build",
        _depends_on: "services.*.depends_on",
        _logging: "services.*.logging",
        _names: "services.*.models services.*.networks",
        _hosts: "services.*.extra_hosts services.*.build.extra_hosts",
        _replaced: """
            services.*.command services.*.entrypoint services.*.healthcheck.test
            services.*.ulimits.*
        """,
        _sequences: """
            networks.*.labels volumes.*.labels services.*.annotations services.*.build.args
            services.*.build.additional_contexts services.*.build.labels services.*.deploy.labels
            services.*.dns services.*.dns_opt services.*.dns_search services.*.env_file
            services.*.label_file services.*.environment services.*.labels services.*.sysctls
            services.*.tmpfs services.*.volumes.*.volume.labels
        """,
    }
)
"""The properties with rules of their own."""

_REPLACED: Final = tuple(_RULES.of(_replaced))
