"""How much repositories have, and whether they may have more: asked within the change itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dockyard.registry.access import patterns
from dockyard.registry.server import problems
from dockyard.registry.server.rules import Quota, Rules
from dockyard.state.database import Database

Check = Callable[[sqlite3.Connection], None]
"""Refuses what a transaction has come to by raising, which undoes it."""


def check_of(rules: Rules, repository: str) -> Check | None:
    """What refuses more than a repository may have; ``None`` where there is no quota."""
    quotas = rules.quotas_of(repository)
    if not quotas:
        return None

    def check(connection: sqlite3.Connection) -> None:
        for quota in quotas:
            if used(connection, quota) > quota.bytes:
                raise problems.over_quota(quota.repositories, quota.bytes)

    return check


class Room(NamedTuple):
    """How many bytes more may be sent to a repository, and which quota says so."""

    bytes: int
    quota: Quota

    def require(self, size: int) -> None:
        """Refuses what would not be kept in the end.

        Raises:
            problems.Refused: there is no room for so much.
        """
        if size > self.bytes:
            raise problems.over_quota(self.quota.repositories, self.quota.bytes)


def room(
    database: Database, sending: Mapping[str, int], rules: Rules, repository: str
) -> Room | None:
    """What the tightest quota leaves; ``None`` where there is no quota.

    Args:
        sending: bytes by repository that count as there, although they are still being sent.
    """
    found = None
    for quota in rules.quotas_of(repository):
        with database.transaction(durable=False) as connection:
            taken = used(connection, quota)
        taken += sum(size for name, size in sending.items()
                     if patterns.matches(quota.repositories, name))  # fmt: skip
        left = quota.bytes - taken
        if found is None or left < found.bytes:
            found = Room(left, quota)
    return found


def used(connection: sqlite3.Connection, quota: Quota) -> int:
    """Bytes that the repositories of a quota have: each content once, however many have it."""
    rows = connection.execute("SELECT id, name FROM repositories").fetchall()
    ids = [row[0] for row in rows if patterns.matches(quota.repositories, row[1])]
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS counted (id INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM counted")
    connection.executemany("INSERT INTO counted VALUES (?)", [(one,) for one in ids])
    blobs = connection.execute(
        "SELECT coalesce(sum(size), 0) FROM blobs WHERE digest IN"
        " (SELECT digest FROM links WHERE repository IN (SELECT id FROM counted))"
    ).fetchone()[0]
    manifests = connection.execute(
        "SELECT coalesce(sum(length(data) + length(referrer)), 0) FROM manifests"
        " WHERE repository IN (SELECT id FROM counted)"
    ).fetchone()[0]
    return int(blobs) + int(manifests)
