"""From short forms to long ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dockyard.compose.load.canonical_ports import parse_ports
from dockyard.compose.load.canonical_volumes import parse_volume
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.printed import printed
from dockyard.compose.load.problem import problem
from dockyard.compose.load.walk import Rule, rewritten, rules

Tree = dict[str, Any]


def canonical(tree: Tree, places: Places, *, raw: bool = False) -> Tree:
    """The tree with all short forms in their long form.

    Args:
        raw: variables aren't replaced yet, so that what can't be read stays as it is.

    Raises:
        InvalidInput: a short form can't be read.
    """
    shape = _Shape(places, raw=raw)
    table = {
        **_table(_LISTS, _listed),
        **_table(_NAMES, _named),
        "services.*.build": shape.build,
        "services.*.build.provenance": _texted,
        "services.*.build.sbom": _texted,
        "services.*.build.additional_contexts": shape.contexts,
        "services.*.build.ssh": shape.keys,
        "services.*.depends_on": shape.dependencies,
        "services.*.env_file": shape.env_files,
        "services.*.extends": shape.extends,
        "services.*.gpus": shape.gpus,
        "services.*.ports": shape.ports,
        **_table(_REFERENCES, shape.reference),
        **_table(_LIMITS, shape.limit),
        "services.*.volumes.*": shape.volume,
        "services.*.devices.*": shape.device,
        **_table(_SHARED, shape.shared),
        "include.*": shape.include,
    }
    whole: Tree = rewritten(tree, rules(table))
    return without_empty(whole)


_LISTS = (
    "services.*.label_file",
    "services.*.dns",
    "services.*.develop.watch.*.ignore",
    "services.*.develop.watch.*.include",
)
_NAMES = ("services.*.networks", "services.*.models")
_REFERENCES = (
    "services.*.build.secrets.*",
    "services.*.secrets.*",
    "services.*.configs.*",
)
_LIMITS = ("services.*.ulimits.*", "services.*.build.ulimits.*")
_SHARED = ("volumes.*", "networks.*", "secrets.*", "configs.*")


def _table(patterns: tuple[str, ...], rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(patterns, rule)


def without_empty(tree: Tree) -> Tree:
    """The tree without nameservers that are empty texts."""

    def named(value: Any, path: Path) -> Any:  # noqa: ARG001
        return [item for item in value if item not in {None, ""}] if _is(value, list) else value

    whole: Tree = rewritten(tree, rules({"services.*.dns": named}))
    return whole


def _is(value: object, kind: type[object]) -> bool:
    return isinstance(value, kind)


def _listed(value: Any, path: Path) -> Any:  # noqa: ARG001
    return [value] if isinstance(value, str) else value


def _named(value: Any, path: Path) -> Any:  # noqa: ARG001
    return dict.fromkeys(value) if isinstance(value, list) else value


def _texted(value: Any, path: Path) -> Any:  # noqa: ARG001
    return value if isinstance(value, str) else printed(value)


class _Shape:
    """Short forms that may be wrong."""

    def __init__(self, places: Places, *, raw: bool) -> None:
        self._places = places
        self._raw = raw

    def build(self, value: Any, path: Path) -> Any:
        return self._either(value, path, lambda text: {"context": text})

    def extends(self, value: Any, path: Path) -> Any:
        return self._either(value, path, lambda text: {"service": text})

    def include(self, value: Any, path: Path) -> Any:
        return self._either(value, path, lambda text: {"path": text})

    def reference(self, value: Any, path: Path) -> Any:
        return self._either(value, path, lambda text: {"source": text})

    def volume(self, value: Any, path: Path) -> Any:
        return self._either(value, path, self._guarded(parse_volume, path))

    def device(self, value: Any, path: Path) -> Any:
        return self._either(value, path, lambda text: self._device(text, path))

    def contexts(self, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            return value
        pairs = [item.partition("=") for item in value]
        lone = [name for name, equals, _ in pairs if not equals]
        if lone and self._raw:
            return value
        if lone:
            raise self._wrong(path, f"{lone[0]!r} isn't NAME=CONTEXT")
        return {name: context for name, _, context in pairs}

    def keys(self, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            return value
        found: Tree = {}
        for item in value:
            name, equals, key = item.partition("=")
            if not equals and name != "default":
                raise self._wrong(path, f"{item!r} is neither default nor NAME=PATH")
            found[name] = key if equals else None
        return found

    def dependencies(self, value: Any, path: Path) -> Any:
        if isinstance(value, list):
            return {name: {"condition": "service_started", "required": True} for name in value}
        if not isinstance(value, dict):
            raise self._wrong(path, "must be a list or a mapping")
        for name, item in value.items():
            if not isinstance(item, dict):
                raise self._wrong((*path, name), "must be a mapping")
        defaults = {"condition": "service_started", "required": True}
        return {name: {**defaults, **item} for name, item in value.items()}

    def env_files(self, value: Any, path: Path) -> Any:
        files = [value] if isinstance(value, str) else value
        if not isinstance(files, list):
            raise self._wrong(path, "must be a text or a list")
        return [
            {"required": True, **(file if isinstance(file, dict) else {"path": file})}
            for file in files
        ]

    def gpus(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            return [{"count": "all"}]
        if not isinstance(value, list):
            raise self._wrong(path, "must be all or a list")
        return value

    def ports(self, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            raise self._wrong(path, "must be a list")
        found: list[Any] = []
        for index, item in enumerate(value):
            try:
                found += self._ports(item, (*path, index))
            except ValueError as error:
                if self._raw:
                    return value
                raise self._wrong((*path, index), f"{item!r}: {error}") from None
        return found

    def _ports(self, value: Any, path: Path) -> list[Any]:
        if isinstance(value, dict):
            return [value]
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise self._wrong(path, f"{printed(value)} is no port", "put it between quotes")
        return parse_ports(str(value))

    def limit(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict) or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise self._wrong(path, f"{printed(value)!r} is no limit", "a limit is a whole number")

    def shared(self, value: Any, path: Path) -> Any:
        """What several services use; of old, a name could be below ``external``."""
        external = value.get("external") if isinstance(value, dict) else None
        if not isinstance(external, dict):
            return value
        name = external.get("name", value.get("name"))
        if value.get("name", name) != name:
            raise self._wrong(path, "name and external.name differ", "use name alone")
        return {**value, "external": True, **({"name": name} if name is not None else {})}

    def _device(self, text: str, path: Path) -> Tree:
        parts = text.split(":")
        if len(parts) > 3 and not self._raw:
            hint = "write source, target and permissions as a mapping"
            raise self._wrong(path, f"{text!r} has too many colons", hint)
        source, target, permissions, *_ = [*parts, "", ""][:3]
        if len(parts) > 3:
            source, target, permissions = "", "", ""
        return {
            "source": source,
            "target": target or source,
            "permissions": permissions if len(parts) == 3 else "rwm",
        }

    def _either(self, value: Any, path: Path, made: Callable[[str], Any]) -> Any:
        """A mapping as it is, and what is made of a text."""
        if isinstance(value, dict):
            return value
        if not isinstance(value, str):
            raise self._wrong(path, f"must be a text or a mapping, not {printed(value)}")
        return made(value)

    def _guarded(self, parse: Callable[[str], Any], path: Path) -> Callable[[str], Any]:
        def guarded(text: str) -> Any:
            try:
                return parse(text)
            except ValueError as error:
                if self._raw:
                    return text
                raise self._wrong(path, str(error)) from None

        return guarded

    def _wrong(self, path: Path, message: str, hint: str | None = None) -> Exception:
        return problem(self._places, path, message, hint)
