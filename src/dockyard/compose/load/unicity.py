"""Sequences in which an element takes the place of an earlier one of the same key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dockyard.compose.load.canonical_volumes import parse_volume
from dockyard.compose.load.patterns import Patterns
from dockyard.compose.load.place import Path
from dockyard.compose.load.placed import Placed, reordered
from dockyard.compose.load.problem import problem

Key = Callable[[Any], str]
"""The key of an element.

Raises:
    ValueError: it has none; the words say why.
"""


class Nameless(ValueError):
    """An element has nothing to be known by."""


def unique(whole: Placed) -> Placed:
    """The tree without what a later element of a sequence redefines.

    Ports, volumes, variables and such are known by what they are in a container: a later one
    stands where the earlier one stood.

    Raises:
        InvalidInput: an element has nothing to be known by.
    """
    kept: dict[Path, dict[int, int]] = {}
    tree = _unique(whole.tree, (), whole, kept)
    return Placed(tree, reordered(whole.places, kept))


def _unique(value: Any, path: Path, whole: Placed, kept: dict[Path, dict[int, int]]) -> Any:
    if isinstance(value, dict):
        return {key: _unique(item, (*path, key), whole, kept) for key, item in value.items()}
    key = _KEYS.find(path) if isinstance(value, list) else None
    return value if key is None else _distinct(value, key, path, whole, kept)


def _distinct(
    value: list[Any], key: Key, path: Path, whole: Placed, kept: dict[Path, dict[int, int]]
) -> list[Any]:
    sources: list[int] = []
    known: dict[str, int] = {}
    for index, element in enumerate(value):
        try:
            name = key(element)
        except ValueError as error:
            raise problem(whole.places, (*path, index), str(error)) from error
        at = known.setdefault(name, len(sources))
        sources[at : at + 1] = [index]
    if len(sources) < len(value):
        kept[path] = {source: at for at, source in enumerate(sources)}
    return [value[source] for source in sources]


def _name(element: object) -> str:
    """What is before the first ``=``."""
    if not isinstance(element, str):
        raise Nameless("this must be a text")
    return element.partition("=")[0]


def _volume(element: object) -> str:
    if isinstance(element, str):
        return str(parse_volume(element)["target"])
    return _target(element)


def _device(element: object) -> str:
    if isinstance(element, str):
        parts = element.split(":")
        return parts[min(1, len(parts) - 1)]
    return _target(element)


def _target(element: object) -> str:
    if not isinstance(element, dict):
        return ""
    target = element.get("target")
    if not isinstance(target, str):
        raise Nameless("the target in the container is missing")
    return target


def _exposed(element: object) -> str:
    if isinstance(element, bool) or not isinstance(element, str | int):
        raise Nameless("this must be a port")
    return str(element)


def _mount(directory: str) -> Key:
    def key(element: object) -> str:
        if isinstance(element, str):
            return f"{directory}/{element}"
        if not isinstance(element, dict):
            raise Nameless("this must be a name or a mapping")
        target = element.get("target", f"{directory}/{element.get('source')}")
        if not isinstance(target, str):
            raise Nameless("the target in the container must be a text")
        return target

    return key


def _port(element: object) -> str:
    if not isinstance(element, dict):
        return str(element)
    if "target" not in element:
        raise Nameless("the port in the container, target, is missing")
    host, protocol = element.get("host_ip", "0.0.0.0"), element.get("protocol", "tcp")  # noqa: S104
    return f"{host}:{element.get('published')!r}:{element['target']!r}/{protocol}"


def _env_file(element: object) -> str:
    if not isinstance(element, dict):
        return element if isinstance(element, str) else ""
    path = element.get("path")
    if not isinstance(path, str):
        raise Nameless("the path is missing")
    return path


_KEYS: Final = Patterns[Key](
    {
        _name: """
            networks.*.labels networks.*.ipam.options services.*.annotations
            services.*.build.args services.*.build.additional_contexts services.*.build.tags
            services.*.build.labels services.*.cap_add services.*.cap_drop
            services.*.deploy.labels services.*.dns services.*.dns_opt services.*.dns_search
            services.*.environment services.*.labels services.*.links
            services.*.networks.*.aliases services.*.networks.*.link_local_ips
            services.*.profiles services.*.sysctls services.*.tmpfs
        """,
        _volume: "services.*.volumes",
        _device: "services.*.devices",
        _exposed: "services.*.expose",
        _mount(""): "services.*.configs",
        _mount("/run/secrets"): "services.*.secrets",
        _port: "services.*.ports",
        _env_file: "services.*.env_file",
    }
)
"""What elements are known by."""
