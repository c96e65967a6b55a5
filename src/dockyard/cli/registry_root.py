"""The registry's own commands: its directory, and its records without a server."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.registry.server.content import Content
    from dockyard.state.database import Database


def directory(root: str | None) -> str:
    """The registry's directory: what ``--root`` says, or the usual one."""
    from dockyard.config import Config

    return os.path.abspath(root) if root else f"{Config.from_environment().root}/registry"


def engine_of(directory: str) -> str:
    """The root of the engine that a registry's directory is in; empty where it is elsewhere."""
    from dockyard.config import Config

    root = Config.from_environment().root
    return root if os.path.dirname(os.path.realpath(directory)) == root else ""


@contextlib.contextmanager
def opened(root: str | None) -> Iterator[tuple[Database, Content]]:
    """A registry's records and files, whether its server runs or not.

    Raises:
        NotFound: there has never been one.
    """
    from dockyard.registry.server.content import Content
    from dockyard.registry.server.service import open_database

    where = directory(root)
    if not os.path.exists(f"{where}/registry.db"):
        raise NotFound(
            f"there is no registry in {where}",
            hint="dockyard registry serve makes one; name another directory with --root",
        )
    database, content = open_database(where), Content(where)
    content.prepare()
    try:
        yield database, content
    finally:
        database.close()
