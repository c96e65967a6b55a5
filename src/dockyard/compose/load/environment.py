"""Variables and labels that come from elsewhere: from files, and from the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from dockyard.arguments import parse_env_file
from dockyard.compose.load import dotenv
from dockyard.compose.load.named import SECRET_VALUE
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.problem import problem
from dockyard.compose.load.template import Warn

Tree = dict[str, Any]


class Outside(msgspec.Struct, frozen=True):
    """What values may come from.

    - ``variables``: the project's environment;
    - ``read``: gives a file's text, or ``None`` where there is no such file;
    - ``warn``: is told of variables that aren't set;
    - ``places``: where the files are named.
    """

    variables: Mapping[str, str]
    read: Callable[[str], str | None]
    warn: Warn
    places: Places


def with_contents(tree: Tree) -> Tree:
    """A tree whose secrets have their values as ``content``."""
    secrets = tree.get("secrets")
    if not secrets:
        return tree
    return {**tree, "secrets": {name: _revealed(secret) for name, secret in secrets.items()}}


def _revealed(secret: Any) -> Any:
    if not isinstance(secret, dict) or SECRET_VALUE not in secret:
        return secret
    rest = {name: value for name, value in secret.items() if name != SECRET_VALUE}
    return {**rest, "content": secret[SECRET_VALUE]}


def with_environments(services: Tree, outside: Outside) -> Tree:
    """Decoded services with the variables of their ``env_file`` among their own, which win.

    Raises:
        InvalidInput: a required file isn't there, one can't be read, or has a format that
            nobody knows.
    """
    return {
        name: _with_environment(service, outside, ("services", name, "env_file"))
        for name, service in services.items()
    }


def _with_environment(service: Tree, outside: Outside, path: Path) -> Tree:
    own = {
        name: outside.variables.get(name) if value is None else value
        for name, value in service.get("environment", {}).items()
    }
    found = {name: value for name, value in own.items() if value is not None}

    def lookup(name: str) -> str | None:
        given = outside.variables.get(name)
        return own.get(name) if given is None else given

    for index, file in enumerate(service.get("env_file", ())):
        whole = {
            "required": True,
            "format": "",
            **(file if isinstance(file, dict) else {"path": file}),
        }
        text = outside.read(whole["path"])
        if text is not None:
            _add(whole, text, found, lookup, outside, (*path, index))
        elif whole["required"]:
            message = f"there is no file {whole['path']}"
            raise problem(outside.places, (*path, index), message, _OPTIONAL)
    merged = {**found, **own}
    return {**service, "environment": dict(sorted(merged.items()))} if merged else service


_OPTIONAL: Final = "with required: false, in a mapping with path, a file may be missing"
_FORMATS: Final = ("", ".env", "raw")


def _add(
    file: Tree,
    text: str,
    found: dict[str, str],
    lookup: Callable[[str], str | None],
    outside: Outside,
    path: Path,
) -> None:
    if file["format"] not in _FORMATS:
        message = f"there is no format {file['format']!r}"
        raise problem(outside.places, (*path, "format"), message, "raw is the only one")
    if file["format"] == "raw":
        lines = parse_env_file(text, file["path"], _Found(lookup))
        found |= dict(_cut(line) for line in lines)
    else:
        dotenv.parse(text, file["path"], lookup, found, outside.warn)


class _Found(Mapping[str, str]):
    """Variables that a function finds."""

    def __init__(self, lookup: Callable[[str], str | None]) -> None:
        self._lookup = lookup

    def __getitem__(self, name: str) -> str:
        value = self._lookup(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def _cut(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value


def with_labels(services: Tree, outside: Outside) -> Tree:
    """Decoded services with the labels of their ``label_file`` among their own, which win.

    Raises:
        InvalidInput: there is no such file, or it can't be read.
    """
    return {
        name: _with_labels(service, outside, ("services", name, "label_file"))
        for name, service in services.items()
    }


def _with_labels(service: Tree, outside: Outside, path: Path) -> Tree:
    found: dict[str, str] = {}
    for index, file in enumerate(service.get("label_file", ())):
        text = outside.read(file)
        if text is None:
            raise problem(outside.places, (*path, index), f"there is no file {file}")
        of_file: dict[str, str] = {}
        dotenv.parse(text, file, dict(found).get, of_file, outside.warn)
        found |= of_file
    merged = found | service.get("labels", {})
    return {**service, "labels": dict(sorted(merged.items()))} if merged else service
