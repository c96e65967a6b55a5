"""Blobs under their own digests, byte for byte as a registry has them: layers as they were pulled,
weights of models.

Each file below ``blobs/sha256`` is there because somebody needs it, which is recorded before the
file appears (:meth:`ContentStore.need`) and until it isn't any more (:meth:`ContentStore.release`).
A file that nobody needs is removed under the database's lock, so that whoever records a need and
then finds the file may count on it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable

from dockyard.oci import digest as digests
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths, unusable
from dockyard.system import files

_PRIVATE = 0o600
_GONE = ".gone"


class ContentStore:
    """The blobs of a root. Safe for several processes at once."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database

    def path(self, digest: str) -> str:
        """Where a blob is, if it is there.

        Raises:
            InvalidInput: it is no digest, and might name another file.
        """
        return f"{self._paths.content}/{digests.hex_of(digest)}"

    def has(self, digest: str) -> bool:
        """Whether it is there; it stays only as long as somebody needs it."""
        return os.path.isfile(self.path(digest))

    def size(self, digest: str) -> int | None:
        """Its bytes; ``None`` where it isn't there."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            return None

    def need(self, wanted: Iterable[str], owner: str) -> None:
        """Records that ``owner`` needs blobs, which need not be there yet.

        Args:
            owner: ``KIND:ID`` of what has a record of its own; or the name of a holder whose lock
                the caller holds, and whose needs end with it.
        """
        with self._database.transaction() as connection:
            note_need(connection, wanted, owner)

    def adopt(
        self, file: str, digest: str, *, mode: int = _PRIVATE, synced: bool = False,
        replace: bool = False,
    ) -> None:  # fmt: skip
        """Moves a file that has been verified to where the blob belongs. Idempotent.

        Somebody needs it already (:meth:`need`). One that is there stays, and ``file`` goes.

        Args:
            file: on the filesystem of the root.
            mode: the file's; a blob that containers read directly is 0444.
            synced: the caller brings the filesystem to disk before he records what needs it.
            replace: one that is there goes instead: it turned out to be damaged.

        Raises:
            DiskFull, StateError: it can't be moved, or the disk failed.
        """
        path = self.path(digest)
        try:
            if os.path.isfile(path) and not replace:
                os.chmod(path, os.stat(path).st_mode & 0o777 | mode)
                os.unlink(file)
                return
            os.chmod(file, mode)
            if not synced:
                files.sync(file)
            os.rename(file, path)
            if not synced:
                files.sync(self._paths.content)
        except OSError as error:
            raise unusable(path, error) from error

    def release(self, owner: str) -> int:
        """Ends all that an owner needed; blobs that nobody needs now are removed.

        Returns:
            The bytes of what was removed.
        """
        return self._drop("SELECT digest FROM content WHERE owner=?", (owner,), owner)

    def remove(self, digest: str) -> int:
        """Removes a blob that nobody needs; its bytes."""
        return self._drop("SELECT ?", (digest,), None)

    def collect(self) -> int:
        """Removes what holders that are gone needed, and all that nobody needs; its bytes."""
        freed = 0
        rows = self._database.query("SELECT DISTINCT owner FROM content WHERE owner NOT LIKE '%:%'")
        for (holder,) in rows:
            lock = Lock.try_acquire(f"{self._paths.locks}/{holder}.lock")
            if lock is not None:
                freed += self.release(holder)
                lock.release(remove=True)
        with os.scandir(self._paths.content) as scan:
            found = [entry.name for entry in scan]
        for name in found:
            if name.endswith(_GONE):
                freed += _unlink(f"{self._paths.content}/{name}")
            elif digests.is_digest(digests.PREFIX + name):
                freed += self.remove(digests.PREFIX + name)
        return freed

    def _drop(self, query: str, parameters: tuple[str, ...], owner: str | None) -> int:
        """Renames within the transaction, which is quick; what takes long comes after it."""
        gone: list[str] = []
        with self._database.transaction() as connection:
            rows = connection.execute(query, parameters).fetchall()
            if owner is not None:
                connection.execute("DELETE FROM content WHERE owner=?", (owner,))
            for (digest,) in rows:
                if not _is_needed(connection, digest):
                    gone.append(self._set_aside(digest))
        return sum(map(_unlink, gone))

    def _set_aside(self, digest: str) -> str:
        path = self.path(digest)
        aside = f"{path}.{os.urandom(4).hex()}{_GONE}"
        with contextlib.suppress(FileNotFoundError):
            os.rename(path, aside)
        return aside


def note_need(connection: sqlite3.Connection, wanted: Iterable[str], owner: str) -> None:
    """:meth:`ContentStore.need`, as a part of a transaction."""
    connection.executemany(
        "INSERT OR IGNORE INTO content VALUES (?, ?)", [(digest, owner) for digest in wanted]
    )


def _is_needed(connection: sqlite3.Connection, digest: str) -> bool:
    found = connection.execute("SELECT 1 FROM content WHERE digest=?", (digest,)).fetchone()
    return found is not None


def _unlink(path: str) -> int:
    """The bytes that this frees: none where another name of the file stays."""
    try:
        status = os.stat(path)
        os.unlink(path)
    except FileNotFoundError:
        return 0
    return status.st_size if status.st_nlink == 1 else 0
