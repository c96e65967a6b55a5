"""What happened to containers, images, volumes and networks, in Docker's words.

Events are rows of the state's database. Where a change has a transaction, its event is written in
the same one, so that no crash loses it or invents it, and so that it costs no further commit. The
oldest go: rows beyond :data:`KEPT`, and what is older than :data:`KEPT_SECONDS`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from dockyard import decoding
from dockyard.state.database import Database, Row

Type = Literal["builder", "container", "image", "model", "network", "volume"]
"""Kinds of objects, as Docker names them, but for models; its ``daemon`` is what Dockyard doesn't
have."""

KEPT = 10_000
"""Events that a root remembers."""
KEPT_SECONDS = 7 * 86400
_NANOSECONDS = 10**9
_TIDY_EVERY = 64
"""Looking for what is too old takes a scan, so not every event does it."""

_INSERT = "INSERT INTO events (time, type, action, actor, attributes) VALUES (?, ?, ?, ?, ?)"
_PAGE = 1000


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    type: Type
    action: str
    """Docker's verb, such as ``start``, or ``exec_create: COMMAND``."""
    actor: str
    """The id of the object; a volume's name."""
    attributes: Mapping[str, str] = {}
    """What Docker tells beside: a container's image, name and labels, ``exitCode``, ``signal``."""
    time: int = 0
    """Nanoseconds since 1970; 0 for the moment in which it is written."""
    number: int = 0
    """Its place in the order of all events of this root."""


def write(connection: sqlite3.Connection, *events: Event) -> None:
    """Writes events in the caller's transaction, which makes them and the change one."""
    now = time.time_ns()
    for event in events:
        attributes = msgspec.json.encode(event.attributes)
        row = (event.time or now, event.type, event.action, event.actor, attributes)
        number = connection.execute(_INSERT, row).lastrowid or 0
        if number % _TIDY_EVERY == 0:
            connection.execute(
                "DELETE FROM events WHERE id <= ? OR time < ?",
                (number - KEPT, now - KEPT_SECONDS * _NANOSECONDS),
            )


def record(
    database: Database,
    type: Type,  # noqa: A002  # Docker's word for it
    action: str,
    actor: str,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Writes one event in a transaction of its own, for what changes nothing else in the state.

    Where power fails, it may be missing: only events of recorded changes are worth a wait.
    """
    event = Event(type=type, action=action, actor=actor, attributes=attributes or {})
    with database.transaction(durable=False) as connection:
        write(connection, event)


def newest(database: Database) -> int:
    """The number of the latest event; 0 where there is none."""
    row = database.query_one("SELECT max(id) FROM events")
    return (row[0] or 0) if row else 0


def between(
    database: Database, *, after: int = 0, since: int = 0, until: int | None = None
) -> Iterator[Event]:
    """Events in the order in which they were written.

    Args:
        after: only those with a higher number.
        since: nanoseconds since 1970 of the earliest.
        until: of the latest.
    """
    last = after
    while True:
        rows = database.query(
            "SELECT id, time, type, action, actor, attributes FROM events"
            " WHERE id > ?1 AND time >= ?2 AND (?3 IS NULL OR time <= ?3) ORDER BY id LIMIT ?4",
            (last, since, until, _PAGE),
        )
        yield from map(_event, rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1][0]


def _event(row: Row) -> Event:
    number, moment, kind, action, actor, attributes = row
    return Event(
        type=kind,
        action=action,
        actor=actor,
        attributes=decoding.from_json(attributes, dict[str, str]),
        time=moment,
        number=number,
    )
