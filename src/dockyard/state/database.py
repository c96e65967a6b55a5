"""The records of one root: SQLite in WAL mode with short, immediate transactions.

Never opened as a plain file by this process (closing such a descriptor drops SQLite's POSIX
locks), never used across ``fork`` (children are always executed), never on a network filesystem.
Each thread has a connection of its own.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from dockyard.errors import DiskFull, PermissionMissing, StateError
from dockyard.state.paths import Paths
from dockyard.state.schema import MIGRATIONS

_BUSY_SECONDS = 30.0
_CLOSING_SECONDS = 5.0
_PAUSE_SECONDS = 0.005
_NO_ROOM_BYTES = 1 << 20
_PRIVATE = 0o600
_OTHERS = 0o077
_CHECKPOINT_PAGES = 100
"""So long may the write-ahead log grow: whoever opens the database first reads all of it."""

Row = tuple[Any, ...]


class _Own:
    """A thread's connection, and the lock that it holds while it uses it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.in_use = threading.RLock()  # as what has begun may ask within a transaction


class Database:
    """Connections to ``state.db``; created and migrated on first use.

    A database of another kind has migrations of its own.
    """

    def __init__(self, path: str, migrations: Sequence[str] = MIGRATIONS) -> None:
        self._path = path
        self._migrations = migrations
        self._paths = Paths(os.path.dirname(path), "")
        self._local = threading.local()
        self._connections: list[_Own] = []
        self._guard = threading.Lock()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one reading statement."""
        with self._translated(), self._connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def query_one(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row, or ``None``."""
        rows = self.query(sql, parameters)
        return rows[0] if rows else None

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several reads as of one moment; nobody waits for them. Don't nest."""
        with self._translated(), self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextlib.contextmanager
    def transaction(
        self, *, durable: bool = True, reserve: bool = True
    ) -> Iterator[sqlite3.Connection]:
        """An immediate transaction: durable when the block ends, undone when it raises.

        Keep it short: other processes wait for it. Don't nest.

        Args:
            durable: whether the end waits for the disk. Without it, other processes see the change
                all the same and the death of this one doesn't undo it, but where power fails, the
                last such changes may be missing.
            reserve: whether a full disk's reserve may be given up for it.

        Raises:
            StateError: the database is broken, locked for 30 s, or can't be written.
            sqlite3.IntegrityError: a constraint failed; the caller knows what it means.
        """
        with self._translated(), self._connection() as connection:
            if reserve:
                self._paths.give_up_reserve_if_full()
            if not durable:
                connection.execute("PRAGMA synchronous=NORMAL")
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
            finally:
                if not durable:
                    connection.execute("PRAGMA synchronous=FULL")

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """One changing statement in a transaction of its own; the number of rows it changed."""
        with self.transaction() as connection:
            return connection.execute(sql, parameters).rowcount

    def close(self) -> None:
        """Closes the connections of all threads; a later call opens new ones.

        What another thread is doing is waited for. A connection that is in use for longer goes
        with its thread: to close it under its user would break the process (SQLite's memory).
        """
        with self._guard:
            self._local = threading.local()
            for own in self._connections:
                if own.in_use.acquire(timeout=_CLOSING_SECONDS):
                    own.connection.close()
                    own.in_use.release()
            self._connections.clear()

    def __del__(self) -> None:
        """What nobody closed is closed with the last reference to it."""
        for own in self._connections:
            own.connection.close()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, which nobody closes meanwhile."""
        while True:
            own = self._of_thread()
            with own.in_use:
                current: object = getattr(self._local, "own", None)
                if own is current:
                    yield own.connection
                    return

    def _of_thread(self) -> _Own:
        known: _Own | None = getattr(self._local, "own", None)
        if known is not None:
            return known
        own = _Own(self._open())
        self._local.own = own
        with self._guard:
            self._connections.append(own)
        return own

    def _open(self) -> sqlite3.Connection:
        _keep_private(self._path)
        self._paths.give_up_reserve_if_full()  # the index is made anew
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:  # the journal mode is stored in the file
            _use_wal(connection)
        _keep_log(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if version != len(self._migrations):
            self._migrate(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > len(self._migrations):
                raise StateError(
                    f"{self._path} was written by a newer version of Dockyard",
                    hint="upgrade Dockyard, or use another DOCKYARD_ROOT",
                    reference="state-too-new",
                )
            for script in self._migrations[version:]:
                for statement in _statements(script):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(self._migrations)}")
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise _translate(self._path, error) from error


def _keep_private(path: str) -> None:
    """Sees to it that only its owner may read it: it holds environments with their secrets.

    The file is made without being opened; SQLite gives its log and index the same mode. What an
    earlier version left readable is changed, the database last, as it is the one that is looked at.
    """
    with contextlib.suppress(OSError):  # SQLite says what is wrong
        try:
            os.mknod(path, stat.S_IFREG | _PRIVATE)
        except FileExistsError:
            if os.stat(path).st_mode & _OTHERS == 0:
                return
            for each in (f"{path}-wal", f"{path}-shm", path):
                with contextlib.suppress(FileNotFoundError):
                    os.chmod(each, _PRIVATE)


def _keep_log(connection: sqlite3.Connection) -> None:
    """Has the log stay when the last connection goes; a later commit empties it when it is long.

    SQLite would copy it into the database, remove it, and make it anew with the next command: four
    syncs and two files that no command needs. What was committed is in the log, durably.
    """
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switches a new file to WAL; SQLite doesn't wait by itself for others that do the same."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


def _statements(script: str) -> Iterator[str]:
    """Splits a migration; ``executescript`` would commit the transaction around it."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def _is_full(path: str) -> bool:
    """True where SQLite's "disk I/O error" is for want of space."""
    try:
        room = os.statvfs(os.path.dirname(path))
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _NO_ROOM_BYTES


def _translate(path: str, error: sqlite3.DatabaseError) -> StateError | PermissionMissing:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and _is_full(path)):
        return DiskFull(path)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return PermissionMissing(
            f"cannot open {path}: {error}",
            hint="run as root, or set DOCKYARD_ROOT to a directory that you may write",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StateError(
            f"{path} was locked by another process for {_BUSY_SECONDS:.0f} seconds",
            hint="see which dockyard process hangs (ps aux | grep dockyard)",
            reference="state-locked",
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StateError(
            f"{path} is damaged: {error}",
            hint=(
                "nothing was changed; restore the file from a backup, or move it aside to begin"
                " with an empty state (images and containers are then made anew)"
            ),
            reference="state-damaged",
        )
    return StateError(
        f"cannot use {path}: {error}", hint="dockyard doctor looks after the disk and the state",
        reference="state-failed",
    )  # fmt: skip
