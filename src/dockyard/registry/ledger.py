"""Uploads that were begun: where they go on, for the next command after a kill.

It only saves work: who finds a record wrong does the work anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from typing import Final, Protocol

from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths

_STALE_NANOSECONDS: Final = 7 * 86400 * 10**9
"""What registries have forgotten by then."""


class Session(Protocol):
    """One blob's way into one repository, of which others may have gone a part."""

    @property
    def location(self) -> str | None:
        """Where an upload goes on; ``None`` where there is none."""

    def record(self, location: str | None) -> None:
        """Remembers where it goes on; ``None`` where it doesn't any more."""


class Fleeting:
    """A session that nobody takes up when this process is gone."""

    def __init__(self) -> None:
        self.location: str | None = None

    def record(self, location: str | None) -> None:
        """Remembers where it goes on."""
        self.location = location


class Ledger:
    """The records. Safe for several threads and processes at once."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database

    def tidy(self) -> None:
        """Forgets what is too old to be of use."""
        if self._database.query_one("SELECT 1 FROM uploads") is None:
            return
        with self._database.transaction(durable=False) as connection:
            limit = time.time_ns() - _STALE_NANOSECONDS
            connection.execute("DELETE FROM uploads WHERE started < ?", (limit,))

    def forget(self, repository: str, digest: str) -> None:
        """Forgets how far a blob has come, which a repository has."""
        _Recorded(self._database, repository, digest).record(None)

    @contextlib.contextmanager
    def session(self, repository: str, digest: str) -> Iterator[Session]:
        """A blob's way into a repository, where another command may have come to already.

        Where another command is at it right now, this one has a way of its own.
        """
        name = hashlib.sha256(f"{repository}@{digest}".encode()).hexdigest()[:24]
        lock = Lock.try_acquire(f"{self._paths.locks}/u-{name}.lock")
        if lock is None:
            yield Fleeting()
            return
        try:
            yield _Recorded(self._database, repository, digest)
        finally:
            lock.release(remove=True)


class _Recorded:
    """A session that the next command takes up."""

    def __init__(self, database: Database, repository: str, digest: str) -> None:
        self._database = database
        self._key = (repository, digest)
        row = database.query_one(
            "SELECT location FROM uploads WHERE repository=? AND digest=?", self._key
        )
        self.location: str | None = None if row is None else row[0]

    def record(self, location: str | None) -> None:
        if location == self.location:
            return
        self.location = location
        with self._database.transaction(durable=False) as connection:
            if location is None:
                connection.execute("DELETE FROM uploads WHERE repository=? AND digest=?", self._key)
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?)",
                    (*self._key, location, time.time_ns()),
                )
