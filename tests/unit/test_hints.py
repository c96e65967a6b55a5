"""Every refusal says what to do next: each error of ours is made with a hint."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "dockyard"

WITHOUT = {
    "build/layering.py: 'canceled'": "the user ended the build himself",
    "build/mounts/caches.py: 'canceled'": "the user ended the build himself",
    "build/ops/run.py: 'canceled'": "the user ended the build himself",
    "build/remote/git.py: 'canceled'": "the user ended the build himself",
    "build/remote/http.py: 'canceled'": "the user ended the build himself",
    "build/step.py: 'canceled'": "the user ended the build himself",
    "cli/command.py: f'{what} canceled": "the user ended it himself",
    "containers/attach.py": "who left a terminal needs no advice",
    "cli/command.py: f\"'{path}' {expected(arguments)}\"": "usage_problem shows the usage",
    "cli/dispatch.py: f'unknown flag: {name}'": "usage_problem shows the usage",
    "cli/line.py: 'it is not": "the reader names the flag, and what it takes",
    "cli/line.py: f'it is out of range": "the reader names the flag, and what it takes",
}
"""Where there is none, as ``FILE: MESSAGE`` begins, and why."""


def test_every_error_has_a_hint() -> None:
    silent = [place for place in _silent() if not place.startswith(tuple(WITHOUT))]

    assert not silent


def test_the_exceptions_are_in_use() -> None:
    silent = list(_silent())

    assert [each for each in WITHOUT if not any(place.startswith(each) for place in silent)] == []


def _silent() -> Iterator[str]:
    """``FILE: MESSAGE`` of each error that is made without ``hint=``, the message as written."""
    names = _errors()
    for path, tree in _trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or _name(node.func) not in names:
                continue
            if not any(keyword.arg in {"hint", None} for keyword in node.keywords):
                message = ast.unparse(node.args[0]) if node.args else ""
                yield f"{path.relative_to(PACKAGE)}: {message}"


@cache
def _trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def _errors() -> set[str]:
    """The classes of errors, but for those that have a hint of their own."""
    classes = {node.name: node for tree in _trees().values() for node in ast.walk(tree)
               if isinstance(node, ast.ClassDef)}  # fmt: skip
    found = {"DockyardError"}
    while more := {
        name for name, node in classes.items()
        if name not in found and found & set(map(_name, node.bases)) and not _has_hint(node)
    }:  # fmt: skip
        found |= more
    return found


def _has_hint(node: ast.ClassDef) -> bool:
    """True where the class says ``default_hint``, or its own ``__init__`` what the hint is."""
    names = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    set_here = {_name(target) for each in node.body if isinstance(each, ast.Assign)
                for target in each.targets}  # fmt: skip
    return "__init__" in names or "default_hint" in set_here


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def test_no_hint_is_a_chain_of_alternatives() -> None:
    """One next step, or two: whoever reads one wants to go on."""
    glued = [
        f"{path.relative_to(PACKAGE)}: {ast.unparse(node.value)}"
        for path, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "hint"
        if "; or " in ast.unparse(node.value)
    ]

    assert not glued
