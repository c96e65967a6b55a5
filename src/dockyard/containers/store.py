"""The records of containers."""

from __future__ import annotations

import contextlib
import sqlite3
import time

import msgspec

from dockyard import decoding
from dockyard.containers.model import Container
from dockyard.errors import Conflict, DiskFull, NotFound
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.state.database import Database

_MIN_PREFIX = 1
_REMEMBERED_NS = 3600 * 10**9


class ContainerStore:
    """Reads and writes :class:`Container` records. Every method is one atomic step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, container: Container, *happened: Event) -> None:
        """Inserts a new record; from then on its image can't be removed.

        Args:
            happened: events that are true with the record, as for :meth:`put`.

        Raises:
            Conflict: the name is taken, with Docker's words.
            NotFound: the image was removed meanwhile.
        """
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO containers (id, name, image_id, state, created, record)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (container.id, container.name, container.image_id, container.state,
                     container.created, msgspec.json.encode(container)),
                )  # fmt: skip
                events.write(connection, *happened)
        except sqlite3.IntegrityError as error:
            raise self._why_not(container, error) from error

    def put(self, container: Container, *happened: Event, reserve: bool = True) -> None:
        """Replaces an existing record, and tells what happened with it.

        Args:
            reserve: see :meth:`dockyard.state.database.Database.transaction`.
        """
        with self._database.transaction(reserve=reserve) as connection:
            connection.execute(
                "UPDATE containers SET name=?, state=?, record=? WHERE id=?",
                (container.name, container.state, msgspec.json.encode(container), container.id),
            )
            events.write(connection, *happened)

    def rename(self, container: Container, *happened: Event) -> None:
        """As :meth:`put`, for a record with a new name.

        Raises:
            Conflict: the name is taken.
        """
        try:
            self.put(container, *happened)
        except sqlite3.IntegrityError as error:
            conflict = self._why_not(container, error)
            conflict.exit_code = 1
            raise conflict from error

    def tell(self, *happened: Event) -> None:
        """Writes events of what changes no record; on a full disk they are missing.

        What is told of may be what makes room, such as the end of a program that writes.
        """
        if not happened:
            return
        with (
            contextlib.suppress(DiskFull),
            self._database.transaction(durable=False, reserve=False) as connection,
        ):
            events.write(connection, *happened)

    def delete(self, container_id: str, *happened: Event, exit_code: int = 0) -> None:
        """Forgets a container, but for a while not how it ended; missing is fine.

        Args:
            happened: events to write if the container was there.
        """
        now = time.time_ns()
        with self._database.transaction() as connection:
            gone = connection.execute("DELETE FROM containers WHERE id=?", (container_id,))
            if gone.rowcount:
                connection.execute(
                    "INSERT OR REPLACE INTO exits VALUES (?, ?, ?)", (container_id, exit_code, now)
                )
                events.write(connection, *happened)
            connection.execute("DELETE FROM exits WHERE finished < ?", (now - _REMEMBERED_NS,))

    def last_exit_code(self, container_id: str) -> int | None:
        """The exit code of a container that is gone, as long as it is remembered."""
        row = self._database.query_one(
            "SELECT code FROM exits WHERE container_id=?", (container_id,)
        )
        return None if row is None else row[0]

    def get(self, container_id: str) -> Container | None:
        """The record with exactly this id."""
        row = self._database.query_one("SELECT record FROM containers WHERE id=?", (container_id,))
        return None if row is None else _decode(row[0])

    def find(self, text: str) -> Container:
        """A container by name, id, or unambiguous beginning of an id.

        Raises:
            NotFound: there is none.
            Conflict: the beginning fits several.
        """
        rows = self._database.query(
            "SELECT record, name=?1 OR id=?1 FROM containers WHERE name=?1 OR id=?1 OR"
            " substr(id, 1, length(?1))=?1",
            (text,),
        )
        exact = [row for row in rows if row[1]]
        if len(exact or rows) == 1:
            return _decode((exact or rows)[0][0])
        if not rows or len(text) < _MIN_PREFIX:
            raise NotFound(
                f"no such container: {text}",
                hint="dockyard ps -a lists all containers",
                reference="no-such-container",
            )
        raise Conflict(
            f"the id {text} is ambiguous: {len(rows)} containers begin with it",
            hint="give more digits of the id, or the name",
        )

    def all(self) -> list[Container]:
        """All containers, newest first."""
        rows = self._database.query("SELECT record FROM containers ORDER BY created DESC, id")
        return [_decode(row[0]) for row in rows]

    def unsettled(self) -> list[Container]:
        """Those that recovery has to look at: neither ``created`` nor ``exited``."""
        rows = self._database.query(
            "SELECT record FROM containers WHERE state NOT IN ('created', 'exited')"
        )
        return [_decode(row[0]) for row in rows]

    def restarting(self) -> list[Container]:
        """Those that wait for a restart."""
        rows = self._database.query("SELECT record FROM containers WHERE state='restarting'")
        return [_decode(row[0]) for row in rows]

    def with_limited_log(self) -> list[Container]:
        """Those that run and whose log has a limit."""
        rows = self._database.query(
            "SELECT record FROM containers WHERE state='running'"
            """ AND instr(record, CAST('"max_size":' AS BLOB))"""
        )
        found = (_decode(row[0]) for row in rows)
        return [container for container in found if container.log.rotates]

    def needs_supervision(self) -> bool:
        """Whether something has to happen to a container in time, without a command."""
        found = self._database.query_one(
            "SELECT 1 FROM containers WHERE state='restarting'"
            """ OR (state='running' AND instr(record, CAST('"max_size":' AS BLOB)))"""
            " UNION ALL SELECT 1 FROM health JOIN containers ON containers.id = container_id"
            " WHERE state='running' LIMIT 1"
        )
        return found is not None

    def _why_not(self, container: Container, error: sqlite3.IntegrityError) -> Conflict | NotFound:
        row = self._database.query_one("SELECT id FROM containers WHERE name=?", (container.name,))
        if row is not None:
            return Conflict(
                f'the container name "{container.name}" is already in use by container "{row[0]}"',
                hint=f"remove that container (dockyard rm {container.name}) or use another name",
                reference="name-in-use",
                exit_code=125,
            )
        if "FOREIGN KEY" in str(error):
            return NotFound(
                f"the image {container.image_name} was removed meanwhile",
                hint="build or load it again",
            )
        return Conflict(str(error), hint="dockyard doctor looks after the state")


def _decode(record: bytes) -> Container:
    return decoding.from_json(record, Container)
