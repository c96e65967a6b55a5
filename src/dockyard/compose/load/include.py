"""Projects that a file includes: each is read in its own directory, with its own variables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from dockyard.compose.load.context import Context
from dockyard.compose.load.dotenv import read_files
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.placed import Placed, below, together
from dockyard.compose.load.problem import problem
from dockyard.errors import InvalidInput

Read = Callable[[tuple[str, ...], Context], Placed]
"""Reads the files of an included project as one."""

_KINDS: Final = ("services", "volumes", "networks", "secrets", "configs", "models")


class _Wanted(msgspec.Struct, frozen=True):
    """An element of ``include``."""

    path: tuple[str, ...] = ()
    project_directory: str = ""
    env_file: tuple[str, ...] = ()


def with_included(whole: Placed, context: Context, read: Read) -> Placed:
    """The file's tree with what the projects have that it includes.

    Raises:
        InvalidInput: they include each other, or have something of the same name that isn't the
            same.
        NotFound: a file isn't there.
    """
    include = whole.tree.get("include")
    own = {key: value for key, value in whole.tree.items() if key != "include"}
    result = Placed(own, whole.places)
    if include is None:
        return result
    if not isinstance(include, list):
        raise problem(whole.places, ("include",), "this must be a list")
    for index, element in enumerate(include):
        path: Path = ("include", index)
        wanted = _wanted(element, path, whole.places)
        files = tuple(context.located(name, whole.places, path) for name in wanted.path)
        _refuse_circle(files, context, whole.places, path)
        inner = _inner(wanted, files, context)
        result = _imported(result, read(files, inner))
    return result


def _wanted(element: object, path: Path, places: Places) -> _Wanted:
    if isinstance(element, str):
        return _Wanted((element,))
    if element is None:
        return _Wanted()
    if not isinstance(element, dict):
        raise problem(places, path, "this must be the name of a file, or a mapping")
    directory = element.get("project_directory") or ""
    if not isinstance(directory, str):
        raise problem(places, (*path, "project_directory"), "this must be a directory's name")
    return _Wanted(
        _files(element.get("path"), (*path, "path"), places),
        directory,
        _files(element.get("env_file"), (*path, "env_file"), places),
    )


def _files(value: object, path: Path, places: Places) -> tuple[str, ...]:
    if value is None:
        return ()
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise problem(places, path, "this must be the name of a file, or a list of names")
    return tuple(names)


def _refuse_circle(files: Iterable[str], context: Context, places: Places, path: Path) -> None:
    for file in files:
        if file in context.included:
            steps = " -> ".join((*context.included, file))
            raise problem(places, path, f"the files include each other: {steps}")


def _inner(wanted: _Wanted, files: tuple[str, ...], context: Context) -> Context:
    """The surroundings of an included project."""
    directory = _directory(wanted, files, context)
    variables = read_files(
        _env_files(wanted, directory, context), context.environment, context.warn
    )
    return msgspec.structs.replace(
        context,
        directory=directory,
        base=_base(wanted, files, context),
        environment={**variables, **context.environment},
        resolve=True,
    )


def _directory(wanted: _Wanted, files: tuple[str, ...], context: Context) -> str:
    if wanted.project_directory:
        return os.path.normpath(os.path.join(context.directory, wanted.project_directory))
    return os.path.dirname(files[0]) if files else context.directory


def _base(wanted: _Wanted, files: tuple[str, ...], context: Context) -> str:
    if os.path.isabs(wanted.project_directory):
        return wanted.project_directory
    return os.path.relpath(_directory(wanted, files, context), context.directory)


def _env_files(wanted: _Wanted, directory: str, context: Context) -> list[str]:
    """Those that are named; else ``.env`` of the project's directory, where there is one."""
    if not wanted.env_file:
        usual = os.path.join(directory, ".env")
        return [usual] if os.path.isfile(usual) else []
    files = [os.path.join(context.directory, name) for name in wanted.env_file]
    for file in files:
        if os.path.isdir(file):
            raise InvalidInput(f"{file} is not a file", hint="env_file names files of variables")
    return files


def _imported(target: Placed, source: Placed) -> Placed:
    tree: dict[str, Any] = dict(target.tree)
    places = target.places
    for kind in _KINDS:
        found = source.tree.get(kind)
        if found is None:
            continue
        present = tree.get(kind, {})
        if not isinstance(present, dict):
            raise problem(places, (kind,), "this must be a mapping")
        for name, value in found.items():
            if name in present and not _same(present[name], value):
                where = source.places.find((kind, name))
                raise problem(
                    places, (kind, name), f"this is something else in what is included, {where}"
                )
        tree[kind] = {**found, **present}
        places = together(below(source.places, (kind,), (kind,)), places)
    return Placed(tree, places)


def _same(one: object, other: object) -> bool:
    """Equal, and of the same types: 1, 1.0 and true differ."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other
