"""What a project is called."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from dockyard.compose.load.context import Context, Source
from dockyard.compose.load.documents import Document
from dockyard.compose.load.interpolate import interpolated
from dockyard.compose.project_name import checked, normalized
from dockyard.errors import InvalidInput

VARIABLE: Final = "COMPOSE_PROJECT_NAME"


def project_name(asked: str, sources: Iterable[Source], context: Context) -> str:
    """The name: from the command line, the environment, a file, or the directory.

    Raises:
        InvalidInput: it isn't in Compose's letters, or nothing gives one.
    """
    for name in (asked, context.environment.get(VARIABLE, "")):
        if name:
            return checked(name)
    documents = [list(source.documents) for source in sources]
    named = [_own(document) for each in documents for document in each if _own(document)]
    first = any(each and _own(each[0]) for each in documents)
    name = "" if first else normalized(_directory(context))
    if named:
        name = normalized(_interpolated(named[-1], documents, context)) or name
    if not name:
        raise InvalidInput(
            "project name must not be empty",
            hint="name it with -p, or with a line in the file such as: name: shop",
        )
    return name


def _own(document: Document) -> str:
    name = document.tree.get("name")
    return name if isinstance(name, str) else ""


def _interpolated(name: str, documents: Iterable[list[Document]], context: Context) -> str:
    if not context.interpolate:
        return name
    places = next(
        document.places for each in documents for document in each if _own(document) == name
    )
    tree = interpolated({"name": name}, places, context.environment.get, context.warn)
    return str(tree["name"])


def _directory(context: Context) -> str:
    name = os.path.basename(context.directory)
    if os.path.basename(os.path.realpath(context.directory)) != name:
        context.warn(
            f'project has been loaded without an explicit name from a symlink. Using name "{name}"'
        )
    return name
