"""Relative paths of a project, made absolute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.printed import clean_path
from dockyard.compose.load.problem import problem
from dockyard.compose.load.walk import rewritten, rules

_REMOTE: Final = ("https://", "http://", "git://", "ssh://", "github.com/", "git@")
_SERVICE: Final = "service:"


def _as_it_is(path: str) -> str:
    return path


class Base(msgspec.Struct, frozen=True):
    """What relative paths are relative to.

    - ``directory``: absolute;
    - ``home``: what ``~`` is; empty where nobody knows;
    - ``followed``: an absolute path with its first symbolic link followed.
    """

    directory: str
    home: str = ""
    followed: Callable[[str], str] = _as_it_is


def resolved(tree: dict[str, Any], base: Base, places: Places) -> dict[str, Any]:
    """The tree with absolute paths, where values are paths of this host.

    Raises:
        InvalidInput: a bind has no source.
    """
    resolver = _Resolver(base, places)
    table = {
        "services.*.build.context": resolver.context,
        "services.*.build.additional_contexts.*": resolver.context,
        "services.*.build.ssh.*": resolver.file,
        "services.*.env_file.*.path": resolver.path,
        "services.*.label_file.*": resolver.path,
        "services.*.extends.file": resolver.path,
        "services.*.develop.watch.*.path": resolver.followed,
        "services.*.volumes.*": resolver.mount,
        "configs.*.file": resolver.file,
        "secrets.*.file": resolver.file,
        "volumes.*": resolver.volume,
    }
    whole: dict[str, Any] = rewritten(tree, rules(table))
    return whole


class _Resolver:
    def __init__(self, base: Base, places: Places) -> None:
        self._base = base
        self._places = places

    def path(self, value: Any, path: Path) -> Any:  # noqa: ARG002
        """A path; an empty one stays empty."""
        return self._absolute(value) if isinstance(value, str) and value else value

    def file(self, value: Any, path: Path) -> Any:  # noqa: ARG002
        """A path, perhaps one of Windows."""
        if not isinstance(value, str) or _is_windows_path(value):
            return value
        return self._absolute(value)

    def context(self, value: Any, path: Path) -> Any:
        """A directory, if it isn't a URL or another service."""
        if not isinstance(value, str) or "://" in value or value.startswith((_SERVICE, *_REMOTE)):
            return value
        return self.path(value, path)

    def followed(self, value: Any, path: Path) -> Any:
        absolute = self.path(value, path)
        return self._base.followed(absolute) if isinstance(absolute, str) else absolute

    def mount(self, value: Any, path: Path) -> Any:
        if not isinstance(value, dict) or value.get("type") != "bind":
            return value
        if "source" not in value:
            raise problem(self._places, path, "a bind needs a source")
        return {**value, "source": self.file(value["source"], path)}

    def volume(self, value: Any, path: Path) -> Any:
        """A volume of the local driver may be a bind in disguise."""
        options = value.get("driver_opts") if isinstance(value, dict) else None
        if not isinstance(options, dict) or value.get("driver") != "local":
            return value
        if options.get("o") != "bind" or "device" not in options:
            return value
        return {**value, "driver_opts": {**options, "device": self.file(options["device"], path)}}

    def _absolute(self, path: str) -> str:
        if path.startswith("~") and self._base.home:
            return clean_path(f"{self._base.home}/{path[1:]}")
        return path if path.startswith("/") else clean_path(f"{self._base.directory}/{path}")


def _is_windows_path(path: str) -> bool:
    """True for ``C:\\data`` and ``\\\\host\\share``."""
    drive = path[1:2] == ":" and path[2:3] in {"\\", "/"} and path[2:3] != ""
    return drive or (path[:1] == "\\" and path[1:2] != "" and path[1:2] in "\\/")
