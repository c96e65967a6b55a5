"""The records of content: which file is there, which repository has it, what is being sent.

Whether a file may be removed is decided in the transaction that removes it, and whether one is
there in the transaction that makes it: so the two exclude each other, whichever process they
are in.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence

import msgspec

from dockyard.registry.server.content import Content, Identity
from dockyard.state.database import Database
from dockyard.system import host

MOST_UPLOADS = 10_000
"""At one time, in a registry."""
MOST_OF_ONE = 1000
"""Of these, of one user or robot, whose name may be that of many machines: so nobody keeps the
others from pushing."""


class Upload(msgspec.Struct, frozen=True):
    """What is being sent, to which repository, by whom."""

    id: str
    repository: str
    owner: str
    started: int


class Blob(msgspec.Struct, frozen=True):
    """Content of a repository."""

    digest: str
    size: int


class Blobs:
    """Content by repository. Safe between threads and processes."""

    def __init__(self, database: Database, content: Content) -> None:
        self._database = database
        self._content = content
        self._boot = host.boot_id()

    def find(self, repository: str, digest: str, *, keep_after: int | None = None) -> Blob | None:
        """A blob of a repository.

        Args:
            keep_after: a client that finds it won't send it, so it is kept for the grace period;
                that is noted again after so many seconds. ``None``: he doesn't push.
        """
        row = self._database.query_one(
            "SELECT b.size, l.touched, l.repository FROM links l JOIN blobs b USING (digest)"
            " JOIN repositories r ON r.id = l.repository"
            " WHERE r.name = ? AND l.digest = ? AND b.state = 'ready'", (repository, digest)
        )  # fmt: skip
        if row is None:
            return None
        if keep_after is not None and row[1] < _now() - keep_after:
            return Blob(digest, row[0]) if self._touch(row[2], digest) else None
        return Blob(digest, row[0])

    def _touch(self, repository: int, digest: str) -> bool:
        """False where it was collected in this moment."""
        with self._database.transaction(durable=False) as changing:
            return changing.execute(
                "UPDATE links SET touched = ? WHERE repository = ? AND digest = ?",
                (_now(), repository, digest),
            ).rowcount > 0  # fmt: skip

    def holders(self, digest: str, most: int = 1000) -> list[str]:
        """Names of repositories that have a blob."""
        rows = self._database.query(
            "SELECT r.name FROM links l JOIN repositories r ON r.id = l.repository"
            " JOIN blobs b USING (digest) WHERE digest = ? AND b.state = 'ready' LIMIT ?",
            (digest, most),
        )
        return [row[0] for row in rows]

    def mount(
        self, repository: str, digest: str, source: str,
        check: Callable[[sqlite3.Connection], None] | None = None,
    ) -> bool:  # fmt: skip
        """Lets a repository have what another one has; False where that one doesn't.

        Args:
            check: looks at what there would be, and refuses by raising.
        """
        with self._database.transaction() as changing:
            row = changing.execute(
                "SELECT 1 FROM links l JOIN blobs b USING (digest)"
                " JOIN repositories r ON r.id = l.repository"
                " WHERE r.name = ? AND l.digest = ? AND b.state = 'ready'", (source, digest)
            ).fetchone()  # fmt: skip
            if row is None:
                return False
            link(changing, repository, digest)
            if check is not None:
                check(changing)
            return True

    def unlink(self, repository: str, digest: str) -> bool | None:
        """Takes a blob from a repository; False where a manifest needs it, ``None``: not there."""
        with self._database.transaction() as changing:
            row = changing.execute("SELECT id FROM repositories WHERE name = ?",
                                   (repository,)).fetchone()  # fmt: skip
            if row is None:
                return None
            if changing.execute("SELECT 1 FROM parts WHERE repository = ? AND digest = ?",
                                (row[0], digest)).fetchone():  # fmt: skip
                return False
            changing.execute("DELETE FROM lost WHERE repository = ? AND digest = ?",
                             (row[0], digest))  # fmt: skip
            gone = changing.execute("DELETE FROM links WHERE repository = ? AND digest = ?",
                                    (row[0], digest)).rowcount  # fmt: skip
            return True if gone else None

    def start(self, repository: str, owner: str) -> Upload | None:
        """Begins an upload, whose id nobody can guess; ``None`` where there are too many.

        Too many of all, or of this owner's.
        """
        upload = Upload(secrets.token_hex(16), repository, owner, _now())
        with self._database.transaction(durable=False) as changing:
            every, own = changing.execute(
                "SELECT count(*), count(*) FILTER (WHERE owner = ?) FROM uploads", (owner,)
            ).fetchone()
            if every >= MOST_UPLOADS or own >= MOST_OF_ONE:
                return None
            changing.execute("INSERT INTO uploads VALUES (?, ?, ?, ?)",
                             msgspec.structs.astuple(upload))  # fmt: skip
        self._content.start(upload.id)
        return upload

    def upload(self, upload_id: str) -> Upload | None:
        """An upload that goes on; ``None`` where there is none."""
        row = self._database.query_one(
            "SELECT id, repository, owner, started FROM uploads WHERE id = ?", (upload_id,)
        )
        return Upload(*row) if row else None

    def open_uploads(self) -> list[Upload]:
        """All uploads that go on."""
        rows = self._database.query("SELECT id, repository, owner, started FROM uploads")
        return [Upload(*row) for row in rows]

    def cancel(self, upload_id: str) -> None:
        """Forgets an upload. Idempotent. The file goes first: it may be what fills the disk."""
        self._content.drop(upload_id)
        with self._database.transaction(durable=False) as changing:
            changing.execute("DELETE FROM uploads WHERE id = ?", (upload_id,))

    def finish(
        self, upload: Upload, digest: str, size: int,
        check: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:  # fmt: skip
        """Makes an upload with this digest a blob of its repository.

        It survives the death of this process; only when :meth:`synced` has it the loss of power.

        Args:
            check: as for :meth:`mount`.

        Raises:
            FileNotFoundError: somebody ended the upload meanwhile.
        """
        if self._content.size(digest) is not None:
            self._content.sync_upload(upload.id)  # here, as others wait for the transaction
        with self._database.transaction(durable=False) as changing:
            changing.execute(
                "INSERT INTO blobs VALUES (?1, ?2, 'ready', ?3, ?4) ON CONFLICT (digest)"
                " DO UPDATE SET size = ?2, state = 'ready', boot = ?3, verified = ?4",
                (digest, size, self._boot, _now()),
            )
            link(changing, upload.repository, digest)
            _give_back(changing, digest)
            changing.execute("DELETE FROM uploads WHERE id = ?", (upload.id,))
            if check is not None:
                check(changing)
            self._content.place(upload.id, digest)
        self._content.drop(upload.id)

    def not_synced(self, digests: Sequence[str]) -> list[str]:
        """Those of the blobs that may not be on disk yet."""
        marks = ",".join("?" * len(digests))
        rows = self._database.query(
            f"SELECT digest FROM blobs WHERE digest IN ({marks}) AND boot <> ''",  # noqa: S608
            list(digests),
        )
        return [row[0] for row in rows]

    def sync(self, digest: str) -> None:
        """Waits until a blob is on disk, and notes it. Missing is fine."""
        try:
            self._content.sync(digest)
        except FileNotFoundError:  # collected
            return
        with self._database.transaction(durable=False) as changing:
            changing.execute("UPDATE blobs SET boot = '' WHERE digest = ?", (digest,))

    def recover(self) -> list[str]:
        """After a start: what was not on disk for sure is looked at; digests that are lost.

        Within the same boot nothing that was written can be missing. After another one a file may
        be shorter, or empty: then it was never acknowledged by a manifest.
        """
        lost = []
        rows = self._database.query("SELECT digest, boot FROM blobs WHERE boot <> ''")
        for digest, boot in rows:
            seen = self._content.identity(digest)
            if boot != self._boot and not self._content.has_digest(digest):
                self.lose(digest, seen)
                lost.append(digest)
            else:
                self.sync(digest)
        return lost

    def lose(self, digest: str, seen: Identity | None) -> bool:
        """Takes out content that is damaged, so that it is asked for and pushed again.

        Manifests that need it stay: with the next push, to any repository, all are whole again.

        Args:
            seen: the file that was found damaged; ``None`` where it was missing.

        Returns:
            False where another file is there by now: somebody has just pushed it.
        """
        with self._database.transaction() as changing:
            if self._content.identity(digest) != seen:
                return False
            changing.execute("INSERT OR IGNORE INTO lost (digest, repository)"
                             " SELECT digest, repository FROM links WHERE digest = ?",
                             (digest,))  # fmt: skip
            changing.execute("DELETE FROM links WHERE digest = ?", (digest,))
            self._content.remove(digest)
            changing.execute("DELETE FROM blobs WHERE digest = ?", (digest,))
            return True

    def verified(self, digest: str) -> None:
        """Notes that a file was read, and is what it should be."""
        with self._database.transaction(durable=False) as changing:
            changing.execute("UPDATE blobs SET verified = ? WHERE digest = ?", (_now(), digest))


def repository_id(changing: sqlite3.Connection, name: str) -> int:
    """The repository's number; it is made where there is none."""
    changing.execute("INSERT OR IGNORE INTO repositories (name, created) VALUES (?, ?)",
                     (name, _now()))  # fmt: skip
    row = changing.execute("SELECT id FROM repositories WHERE name = ?", (name,)).fetchone()
    return int(row[0])


def link(changing: sqlite3.Connection, repository: str, digest: str) -> None:
    """Lets a repository have a blob, within a transaction."""
    changing.execute(
        "INSERT INTO links VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET touched = ?3",
        (repository_id(changing, repository), digest, _now()),
    )


def _give_back(changing: sqlite3.Connection, digest: str) -> None:
    """Lets all repositories that lost a blob have it again; see :meth:`Blobs.lose`."""
    changing.execute(
        "INSERT OR IGNORE INTO links (repository, digest, touched)"
        " SELECT repository, digest, ?2 FROM lost WHERE digest = ?1", (digest, _now())
    )  # fmt: skip
    changing.execute("DELETE FROM lost WHERE digest = ?", (digest,))


def _now() -> int:
    return int(time.time())
