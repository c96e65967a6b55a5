"""Which files a project has, its directory, and the variables it is read with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from dockyard.compose.load.dotenv import read_files
from dockyard.compose.load.request import Request
from dockyard.compose.load.template import Warn
from dockyard.errors import InvalidInput, NotFound

FILE_NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""What a file is called that nobody names, the first that there is."""

OVERRIDE_NAMES: Final = (
    "compose.override.yml", "compose.override.yaml",
    "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip
"""What is laid over it when nobody names files."""

STDIN: Final = "-"

_TRUE: Final = ("1", "t", "T", "true", "TRUE", "True")
_FALSE: Final = ("0", "f", "F", "false", "FALSE", "False")


class Sources(msgspec.Struct, frozen=True):
    """Where a project is read from.

    - ``files``: absolute paths, or ``-``; never empty;
    - ``directory``: the project's, absolute;
    - ``environment``: the caller's variables, and those of the files of variables;
    - ``env_files``: those of them that are named, by flag or variable: not ``.env``;
    - ``profiles``: those that are active.
    """

    files: tuple[str, ...]
    directory: str
    environment: dict[str, str]
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


def found(request: Request, environment: Mapping[str, str], warn: Warn) -> Sources:
    """Which files there are, after flags, variables and what is in the directory and above it.

    Raises:
        NotFound: there is no Compose file, or a named one isn't there.
        InvalidInput: a file of variables, or a variable of Compose's own, makes no sense.
    """
    variables = {"PWD": request.directory, **environment}
    files = tuple(_absolute(name, request.directory) for name in request.files)
    env_files = _env_files(request, files, environment)
    variables = {**read_files(env_files, variables, warn), **variables}
    if not files:
        files = _files_of_variable(variables, request.directory)
    if not files:
        files = _usual_files(_directory(request, files), warn)
    if not files:
        raise NotFound(
            "no configuration file provided: not found",
            hint=f"name one with -f, or go to where there is a {FILE_NAMES[0]}",
        )
    env_files = _env_files(request, files, environment) or env_files
    variables = {**read_files(env_files, variables, _silent), **variables}
    return Sources(
        files,
        _directory(request, files),
        variables,
        _named_env_files(request, environment),
        _profiles(request, variables),
    )


def _silent(_: str) -> None:
    """What there is to warn about was said when the files were read first."""


def _absolute(name: str, directory: str) -> str:
    return name if name == STDIN else os.path.normpath(os.path.join(directory, name))


def _directory(request: Request, files: Iterable[str]) -> str:
    """The project's: the one that is named, else that of the first file."""
    if request.project_directory:
        return _absolute(request.project_directory, request.directory)
    for file in files:
        if file != STDIN:
            return os.path.dirname(file)
    return request.directory


def _env_files(
    request: Request, files: Iterable[str], environment: Mapping[str, str]
) -> tuple[str, ...]:
    named = _named_env_files(request, environment)
    if named:
        return named
    if _disabled(environment.get("COMPOSE_DISABLE_ENV_FILE")):
        return ()
    usual = os.path.join(_directory(request, files), ".env")
    return (usual,) if os.path.exists(usual) and not os.path.isdir(usual) else ()


def _named_env_files(request: Request, environment: Mapping[str, str]) -> tuple[str, ...]:
    listed = environment.get("COMPOSE_ENV_FILES", "").split(",")
    named = request.env_files or filter(None, listed)
    return tuple(_absolute(name, request.directory) for name in named)


def _disabled(text: str | None) -> bool:
    if text is None or text in _FALSE:
        return False
    if text in _TRUE:
        return True
    raise InvalidInput(
        f"COMPOSE_DISABLE_ENV_FILE is {text!r}", hint="set it to true or false, or not at all"
    )


def _files_of_variable(variables: Mapping[str, str], directory: str) -> tuple[str, ...]:
    separator = variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    named = variables.get("COMPOSE_FILE")
    if not named:
        return ()
    files = tuple(_absolute(name, directory) for name in named.split(separator))
    for file in files:
        if file != STDIN and not os.path.exists(file):
            raise NotFound(f"{file}: no such file", hint="COMPOSE_FILE names it")
    return files


def _usual_files(directory: str, warn: Warn) -> tuple[str, ...]:
    """The file that lies in the directory or nearest above, and what is laid over it."""
    while True:
        candidates = _present(directory, FILE_NAMES)
        if candidates:
            first = _first(candidates, "config", warn)
            overrides = _present(directory, OVERRIDE_NAMES)
            return (first, _first(overrides, "override", warn)) if overrides else (first,)
        above = os.path.dirname(directory)
        if above == directory:
            return ()
        directory = above


def _present(directory: str, names: Iterable[str]) -> list[str]:
    paths = (os.path.join(directory, name) for name in names)
    return [path for path in paths if os.path.exists(path)]


def _first(candidates: list[str], kind: str, warn: Warn) -> str:
    if len(candidates) > 1:
        found = ", ".join(candidates)
        warn(f"Found multiple {kind} files with supported names: {found}")
        warn(f"Using {candidates[0]}")
    return candidates[0]


def _profiles(request: Request, variables: Mapping[str, str]) -> tuple[str, ...]:
    if request.profiles:
        return request.profiles
    named = (name.strip() for name in variables.get("COMPOSE_PROFILES", "").split(","))
    return tuple(name for name in named if name)
