"""A directory below ``work/`` for whoever makes layers without a container."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator

from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import files

_ROOT_MODE = 0o755


@contextlib.contextmanager
def workplace(paths: Paths, database: Database, purpose: str) -> Iterator[tuple[str, str]]:
    """A directory with its record, both gone in the end; yields the holder's name and the path.

    Raises:
        DiskFull: there is no room for anything.
    """
    paths.require_room()
    workspace_id = secrets.token_hex(6)
    holder = f"w-{workspace_id}"
    directory = paths.workspace(workspace_id)
    with Lock.acquire(f"{paths.locks}/{holder}.lock") as lock:
        database.execute("INSERT INTO workspaces VALUES (?, ?)", (workspace_id, purpose))
        try:
            os.mkdir(directory, 0o700)
            yield holder, directory
        finally:
            files.remove_tree(directory)
            database.execute("DELETE FROM workspaces WHERE id=?", (workspace_id,))
            lock.release(remove=True)


def make_root(path: str) -> None:
    """Makes the directory of a layer: it stays so where the layer says nothing of its root."""
    os.mkdir(path)
    os.chmod(path, _ROOT_MODE)
