"""The records of containers' health. A row goes with its container."""

from __future__ import annotations

import msgspec

from dockyard import decoding
from dockyard.containers.health.model import Health
from dockyard.containers.model import Container
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.state.database import Database

_RUNNING = "FROM health JOIN containers ON containers.id = container_id WHERE state = 'running'"


class HealthStore:
    """Reads and writes health; every method is one atomic step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, container_id: str, health: Health, due: int, *happened: Event) -> None:
        """Writes a container's health, and when it is probed next; nothing where it is gone.

        Args:
            happened: events that are true with it.
        """
        with self._database.transaction() as connection:
            row = (container_id, due, msgspec.json.encode(health))
            written = connection.execute(
                "INSERT OR REPLACE INTO health (container_id, due, record)"
                " SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM containers WHERE id = ?1)",
                row,
            )
            if written.rowcount:
                events.write(connection, *happened)

    def postpone(self, container_id: str, due: int) -> None:
        """Sets the moment of the next probe."""
        self._database.execute(
            "UPDATE health SET due = ? WHERE container_id = ?", (due, container_id)
        )

    def hasten(self, now: int) -> None:
        """Has all be probed now, for the clock was set back."""
        self._database.execute("UPDATE health SET due = ?1 WHERE due > ?1", (now,))

    def get(self, container_id: str) -> tuple[Health, int] | None:
        """A container's health and when it is probed next."""
        row = self._database.query_one(
            "SELECT record, due FROM health WHERE container_id = ?", (container_id,)
        )
        return None if row is None else (_decode(row[0]), row[1])

    def all(self) -> dict[str, tuple[Health, int]]:
        """Health and next moment by container."""
        rows = self._database.query("SELECT container_id, record, due FROM health")
        return {row[0]: (_decode(row[1]), row[2]) for row in rows}

    def due(self, now: int) -> list[tuple[Container, Health]]:
        """Running containers whose moment has come."""
        return self._pairs(f"SELECT containers.record, health.record {_RUNNING} AND due <= ?", now)

    def running(self) -> list[tuple[Container, Health]]:
        """All running containers that are checked."""
        return self._pairs(f"SELECT containers.record, health.record {_RUNNING}")

    def moments(self) -> dict[str, int]:
        """When each running container is probed next."""
        return dict(self._database.query(f"SELECT container_id, due {_RUNNING}"))

    def _pairs(self, sql: str, *values: int) -> list[tuple[Container, Health]]:
        rows = self._database.query(sql, values)
        return [(decoding.from_json(row[0], Container), _decode(row[1])) for row in rows]


def _decode(record: bytes) -> Health:
    return decoding.from_json(record, Health)
