"""Making, using and removing volumes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

from dockyard.errors import InvalidInput
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths, unusable
from dockyard.system.files import remove_tree
from dockyard.volumes.model import Volume

_MODE = 0o755
"""Of a new volume, as in Docker; content of an image brings its own."""
_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]+"


class Volumes:
    """The volumes of one root. The record is written before the directory, and goes after it."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database

    def ensure(self, name: str | None, container_id: str) -> tuple[Volume, bool]:
        """The volume of that name, made if missing; ``None`` makes an anonymous one.

        The container is noted as its user in the same step, which forbids its removal.

        Returns:
            The volume, and whether it is new (then the image's content may be copied into it).

        Raises:
            InvalidInput: the name has characters that Docker doesn't allow.
        """
        anonymous = name is None
        name = os.urandom(32).hex() if name is None else name
        if not re.fullmatch(_NAME, name):
            raise InvalidInput(
                f'"{name}" includes invalid characters for a local volume name',
                hint="a volume is named [a-zA-Z0-9][a-zA-Z0-9_.-]+, a host directory begins with /",
                exit_code=125,
            )
        volume = Volume(name, time.time_ns(), anonymous, self._paths.volume(name))
        with self._database.transaction() as connection:
            row = connection.execute("SELECT created, anonymous, state FROM volumes WHERE name=?",
                                     (name,)).fetchone()  # fmt: skip
            if row is None:
                connection.execute("INSERT INTO volumes VALUES (?, ?, ?, 'pending')",
                                   (name, volume.created, int(anonymous)))  # fmt: skip
            connection.execute("INSERT OR IGNORE INTO volume_users VALUES (?, ?)",
                               (name, container_id))  # fmt: skip
            if row is not None and row[2] == "ready":
                return Volume(name, row[0], bool(row[1]), volume.path), False
        try:
            os.makedirs(volume.path, exist_ok=True)
            os.chmod(volume.path, _MODE)
        except OSError as error:
            raise unusable(volume.path, error) from error
        return volume, True

    def fill(self, name: str, copy: Callable[[str], None]) -> None:
        """Gives a new volume its first content, once, however many containers want to.

        Args:
            copy: writes into the directory that it gets.
        """
        lock_path = f"{self._paths.locks}/v-{name}.lock"
        with Lock.acquire(lock_path):
            row = self._database.query_one("SELECT state FROM volumes WHERE name=?", (name,))
            if row is None or row[0] != "pending":
                return
            path = self._paths.volume(name)
            remove_tree(path)  # what a killed command had copied so far
            os.mkdir(path)
            os.chmod(path, _MODE)
            copy(path)
            self._database.execute("UPDATE volumes SET state='ready' WHERE name=?", (name,))

    def remove_anonymous(self, container_id: str) -> None:
        """Removes the anonymous volumes that only this container uses (``--rm``, ``rm -v``)."""
        rows = self._database.query(
            "SELECT name FROM volumes JOIN volume_users ON volume=name WHERE anonymous"
            " AND container_id=?1 AND NOT EXISTS (SELECT 1 FROM volume_users AS other"
            " WHERE other.volume=name AND other.container_id<>?1)",
            (container_id,),
        )
        for (name,) in rows:
            self._delete(name)

    def _delete(self, name: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE volumes SET state='deleting' WHERE name=?", (name,))
        remove_tree(os.path.dirname(self._paths.volume(name)))
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM volume_users WHERE volume=?", (name,))
            connection.execute("DELETE FROM volumes WHERE name=?", (name,))

    def recover(self) -> None:
        """Finishes removals that a crash interrupted."""
        for (name,) in self._database.query("SELECT name FROM volumes WHERE state='deleting'"):
            self._delete(name)
