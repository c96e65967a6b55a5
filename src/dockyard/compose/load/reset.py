"""What ``!reset`` and ``!override`` take away from the files before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dockyard.compose.load.place import Path


def without(tree: dict[str, Any], resets: Iterable[Path]) -> dict[str, Any]:
    """The tree without the values at these paths; elements of sequences stay."""
    for path in resets:
        if path and all(isinstance(step, str) for step in path):
            tree = _without(tree, path)
    return tree


def _without(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    key, *rest = path
    if key not in tree:
        return tree
    if not rest:
        return {name: value for name, value in tree.items() if name != key}
    value = tree[str(key)]
    if not isinstance(value, dict):
        return tree
    return {**tree, str(key): _without(value, tuple(rest))}
