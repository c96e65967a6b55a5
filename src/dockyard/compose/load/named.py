"""Values of variables that a tree only names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dockyard.compose.load.place import Path
from dockyard.compose.load.walk import rewritten, rules

SECRET_VALUE: Final = "x-#value"  # noqa: S105  # the name of a property
"""Where the value of a secret is that comes from the environment; never printed."""


def with_named_values(tree: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The tree in which lists of variables, secrets and configs have values from the environment.

    What isn't set there stays as it is.
    """
    table = {
        "services.*.environment": lambda value, _: _assigned(value, environment),
        "secrets.*": _from_environment(SECRET_VALUE, environment),
        "configs.*": _from_environment("content", environment),
    }
    whole: dict[str, Any] = rewritten(tree, rules(table))
    return whole


def _assigned(value: Any, environment: Mapping[str, str]) -> Any:  # of any form
    if not isinstance(value, list):
        return value
    return [
        f"{name}={environment[name]}" if name in environment else name
        for name in value
        if isinstance(name, str)
    ]


def _from_environment(key: str, environment: Mapping[str, str]) -> Callable[[Any, Path], Any]:
    def rule(value: Any, _: Path) -> Any:
        name = value.get("environment") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in environment:
            return value
        return {**value, key: environment[name]}

    return rule
