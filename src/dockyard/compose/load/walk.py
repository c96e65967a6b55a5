"""Changing values of a tree by where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from dockyard.compose.load.place import Path

Rule = Callable[[Any, Path], Any]
"""Gives what takes a value's place; the path is the value's."""

ANY: Final = "*"
"""Any key, and any index."""


class Rules(msgspec.Struct):
    """What happens with a value, and the rules of those below it."""

    rule: Rule | None = None
    below: dict[str, Rules] = {}


def rules(table: Mapping[str, Rule]) -> Rules:
    """Rules by patterns such as ``services.*.ports``."""
    root = Rules(below={})
    for pattern, rule in table.items():
        node = root
        for step in pattern.split("."):
            node = node.below.setdefault(step, Rules(below={}))
        node.rule = rule
    return root


def rewritten(value: Any, given: Rules, path: Path = ()) -> Any:
    """The tree with all rules applied, a value's before those of what it holds then.

    What no rule is about is shared with the given tree, which stays as it is.
    """
    return _rewritten(value, (given,), path)


def _rewritten(value: Any, active: tuple[Rules, ...], path: Path) -> Any:
    if not active:
        return value
    for each in active:
        if each.rule is not None:
            value = each.rule(value, path)
    if isinstance(value, dict):
        return {
            key: _rewritten(item, _next(active, key), (*path, key)) for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _rewritten(item, _next(active, ANY), (*path, index)) for index, item in enumerate(value)
        ]
    return value


def _next(active: tuple[Rules, ...], step: str) -> tuple[Rules, ...]:
    steps = (step, ANY) if step != ANY else (ANY,)
    return tuple(each.below[name] for each in active for name in steps if name in each.below)
