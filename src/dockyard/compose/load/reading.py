"""What a project's files say together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dockyard.compose.load import layers
from dockyard.compose.load.context import Context, Source, source
from dockyard.compose.load.documents import documents
from dockyard.compose.load.name import VARIABLE, project_name
from dockyard.compose.load.options import STDIN, found
from dockyard.compose.load.place import Places
from dockyard.compose.load.request import Request
from dockyard.errors import InvalidInput


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What a project's files say together: complete and checked, not yet normalised.

    - ``working_dir``, ``files``: absolute paths; a file may be ``-``;
    - ``env_files``: files of variables that were named, absolute paths; ``.env`` isn't;
    - ``environment``: the variables that it was read with;
    - ``profiles``: those that are active;
    - ``warnings``: words for the user, each once.
    """

    tree: dict[str, Any]
    places: Places
    name: str
    working_dir: str
    files: tuple[str, ...]
    env_files: tuple[str, ...] = ()
    environment: dict[str, str]
    profiles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read(request: Request, environment: Mapping[str, str]) -> Merged:
    """Finds and reads a project's files.

    Args:
        environment: the caller's variables.

    Raises:
        NotFound: a file isn't there.
        InvalidInput: one makes no sense; the message says where.
        NotSupported: one is on another machine.
    """
    warnings: dict[str, None] = {}
    where = found(request, environment, warnings.setdefault)
    context = Context(
        directory=where.directory,
        base=where.directory,
        environment=where.environment,
        warn=warnings.setdefault,
        home=where.environment.get("HOME", ""),
        interpolate=request.interpolate,
        resolve=request.resolve_paths,
    )
    sources = [_source(file, request) for file in where.files]
    name = project_name(request.name, sources, context)
    variables = {**where.environment, VARIABLE: name}
    whole = layers.project(sources, msgspec.structs.replace(context, environment=variables))
    if not whole.tree:
        raise InvalidInput("empty compose file", hint="a Compose file has services, at least one")
    return Merged(
        tree=whole.tree,
        places=whole.places,
        name=name,
        working_dir=where.directory,
        files=where.files,
        env_files=where.env_files,
        environment=variables,
        profiles=where.profiles,
        warnings=tuple(warnings),
    )


def _source(file: str, request: Request) -> Source:
    if file != STDIN:
        return source(file)
    return Source(STDIN, tuple(documents(request.stdin or b"", STDIN)))
