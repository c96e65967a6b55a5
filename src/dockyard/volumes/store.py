"""The records of volumes, and of who uses them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from dockyard import decoding
from dockyard.errors import Conflict, NotFound
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.state.database import Database, Row
from dockyard.state.paths import Paths
from dockyard.volumes.model import Volume
from dockyard.volumes.rules import bound_directory


class VolumeStore:
    """Reads and writes volume records. Every method is one atomic step.

    A volume is ``ready``, and ``deleting`` while its files go. Older versions wrote ``pending``,
    which means ``ready``.
    """

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database

    def add(self, volume: Volume, *, user: str | None = None) -> Volume:
        """The stored volume of that name, made as given if missing; ``user`` becomes its user."""
        with self._database.transaction() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO volumes (name, created, anonymous, state, labels, options)"
                " VALUES (?, ?, ?, 'ready', ?, ?)",
                (volume.name, volume.created, int(volume.anonymous),
                 _encode(volume.labels), _encode(volume.options)),
            )  # fmt: skip
            if made.rowcount:
                events.write(connection, _event("create", volume.name))
            if user is not None:
                connection.execute("INSERT OR IGNORE INTO volume_users VALUES (?, ?)",
                                   (volume.name, user))  # fmt: skip
            return self._read(connection, volume.name)

    def _read(self, connection: sqlite3.Connection, name: str) -> Volume:
        row = connection.execute(
            "SELECT name, created, anonymous, labels, options, state FROM volumes WHERE name=?",
            (name,),
        ).fetchone()
        if row[-1] == "deleting":
            raise Conflict(f"volume {name} is being removed", hint="try again in a moment")
        return self._volume(row)

    def get(self, name: str) -> Volume:
        """The volume of that name.

        Raises:
            NotFound: there is none.
        """
        for volume in self.all(name):
            return volume
        raise NotFound(
            f"get {name}: no such volume",
            hint="dockyard volume ls lists all volumes",
            reference="no-such-volume",
        )

    def all(self, name: str | None = None) -> Iterator[Volume]:
        """All volumes by name, or the one of that name."""
        rows = self._database.query(
            "SELECT name, created, anonymous, labels, options FROM volumes WHERE state<>'deleting'"
            " AND (?1 IS NULL OR name=?1) ORDER BY name",
            (name,),
        )
        return map(self._volume, rows)

    def users(self, name: str) -> tuple[str, ...]:
        """Ids of the containers that use it."""
        rows = self._database.query(
            "SELECT container_id FROM volume_users WHERE volume=? ORDER BY container_id", (name,)
        )
        return tuple(row[0] for row in rows)

    def condemn(self, name: str, *, besides: str | None = None) -> bool:
        """Marks it for deletion unless a container uses it; a crash then ends in its removal.

        Args:
            besides: this container doesn't count.
        """
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    "UPDATE volumes SET state='deleting' WHERE name=?1 AND NOT EXISTS"
                    " (SELECT 1 FROM volume_users WHERE volume=?1"
                    " AND (?2 IS NULL OR container_id<>?2))",
                    (name, besides),
                ).rowcount
            )

    def condemned(self) -> tuple[str, ...]:
        """Names of those whose removal has begun."""
        rows = self._database.query("SELECT name FROM volumes WHERE state='deleting'")
        return tuple(row[0] for row in rows)

    def delete(self, name: str) -> None:
        """Forgets one whose removal has begun, and its users; any other stays."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM volume_users WHERE volume IN"
                " (SELECT name FROM volumes WHERE name=? AND state='deleting')",
                (name,),
            )
            if connection.execute(
                "DELETE FROM volumes WHERE name=? AND state='deleting'", (name,)
            ).rowcount:
                events.write(connection, _event("destroy", name))

    def anonymous_of(self, container_id: str) -> tuple[str, ...]:
        """Names of the anonymous volumes that this container uses."""
        rows = self._database.query(
            "SELECT name FROM volumes JOIN volume_users ON volume=name WHERE anonymous"
            " AND container_id=?",
            (container_id,),
        )
        return tuple(row[0] for row in rows)

    def _volume(self, row: Row) -> Volume:
        labels, options = _decode(row[3]), _decode(row[4])
        return Volume(
            name=row[0],
            created=row[1],
            anonymous=bool(row[2]),
            path=bound_directory(options) or self._paths.volume(row[0]),
            labels=labels,
            options=options,
        )


def _event(action: str, name: str) -> Event:
    return Event(type="volume", action=action, actor=name, attributes={"driver": "local"})


def _encode(values: dict[str, str]) -> str:
    return msgspec.json.encode(values, order="sorted").decode()


def _decode(text: str) -> dict[str, str]:
    return decoding.from_json(text, dict[str, str])
