"""Removing what nothing needs, while clients push and pull, from any process.

What needs content is decided within the transaction that takes it away, so nothing that a push
relies on can go in between: either the push sees it, then it stays; or it doesn't, and is told.
Tags are the roots. A manifest stays if a tag, an index that stays, or a subject that stays leads
to it, or if it was pushed or lost its tag not long ago; a blob stays in a repository with a
manifest, or for the grace period after it came or was asked for.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable

import msgspec

from dockyard.registry.access.audit import COLLECTION, RETENTION, Event
from dockyard.registry.server import manifests
from dockyard.registry.server.content import Content
from dockyard.registry.server.rules import Rules, Tag, surplus
from dockyard.state.database import Database

_EMPTY_SECONDS = 3600
"""So long an upload waits for its first bytes; far longer than the slowest body takes for them."""
_UNMARKED = """
WITH RECURSIVE marked (digest) AS (
    SELECT digest FROM tags WHERE repository = ?1
    UNION SELECT digest FROM manifests WHERE repository = ?1 AND touched >= ?2
    UNION SELECT e.target FROM marked JOIN (
        SELECT manifest AS source, digest AS target FROM parts
            WHERE repository = ?1 AND kind = 'manifest'
        UNION ALL
        SELECT subject, digest FROM manifests WHERE repository = ?1 AND subject <> ''
    ) e ON e.source = marked.digest
)
SELECT digest FROM manifests
    WHERE repository = ?1 AND digest NOT IN (SELECT digest FROM marked)
"""
_UNUSED = """
SELECT digest FROM links l WHERE repository = ?1 AND touched < ?2 AND NOT EXISTS
    (SELECT 1 FROM parts WHERE repository = ?1 AND digest = l.digest)
"""
_ORPHANS = """
SELECT digest, size FROM blobs
    WHERE NOT EXISTS (SELECT 1 FROM links WHERE digest = blobs.digest)
"""


class _Undo(Exception):
    """Ends a transaction that was only to be looked at."""


class Collected(msgspec.Struct, kw_only=True):
    """What was removed, or would be."""

    tags: list[str] = []
    """As ``REPOSITORY:TAG``."""
    manifests: list[str] = []
    """As ``REPOSITORY@DIGEST``."""
    links: int = 0
    """Blobs that repositories had and nothing there needed."""
    blobs: list[str] = []
    uploads: int = 0
    bytes: int = 0
    """Of blobs and uploads."""


class Collector:
    """Removes by the rules. Safe beside a server and other collectors."""

    def __init__(
        self, database: Database, content: Content, rules: Rules, *, dry_run: bool = False,
        grace: int | None = None, clock: Callable[[], float] = time.time,
        note: Callable[[Event], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """``grace`` in seconds takes the place of the periods that the rules name.

        Args:
            note: writes down what has gone.
        """
        self._database = database
        self._content = content
        self._rules = rules
        self._dry_run = dry_run
        self._grace = grace
        self._clock = clock
        self._note = note
        self._noted: list[Event] = []
        """What goes with the transaction that goes on."""
        self.found = Collected()

    def run(self) -> Collected:
        """One whole round; each repository and each file in a short transaction of its own."""
        repositories = self._database.query("SELECT id, name FROM repositories ORDER BY name")
        if self._dry_run:
            with contextlib.suppress(_Undo), self._database.transaction() as changing:
                for number, name in repositories:
                    self._prune(changing, number, name)
                for digest, size in changing.execute(_ORPHANS):
                    self._count(digest, size)
                raise _Undo
        else:
            for number, name in repositories:
                with self._database.transaction() as changing:
                    self._prune(changing, number, name)
                self._write_down()
            self._drop_blobs()
        self._drop_uploads()
        self._drop_strays()
        return self.found

    def _write_down(self) -> None:
        """Notes what has gone for sure."""
        for event in self._noted:
            self._note(event)
        self._noted = []

    def _went(self, who: str, repository: str = "", reference: str = "", digest: str = "") -> None:
        if self._dry_run:
            return
        self._noted.append(Event(who=who, action="delete", repository=repository,
                                 reference=reference, digest=digest, result="allowed"))  # fmt: skip

    def _since(self, period: int) -> int:
        return int(self._clock()) - (period if self._grace is None else self._grace)

    def _count(self, digest: str, size: int) -> None:
        self.found.blobs.append(digest)
        self.found.bytes += size

    def _prune(self, changing: sqlite3.Connection, number: int, name: str) -> None:
        """What of a repository nothing needs; the repository itself if nothing is left."""
        self._prune_tags(changing, number, name)
        untagged = self._rules.collecting.untagged
        if untagged is not None:
            gone = changing.execute(_UNMARKED, (number, self._since(untagged))).fetchall()
            for row in gone:
                self.found.manifests.append(f"{name}@{row[0]}")
                self._went(COLLECTION, name, digest=row[0])
            changing.executemany("DELETE FROM manifests WHERE repository = ? AND digest = ?",
                                 [(number, row[0]) for row in gone])  # fmt: skip
        since = self._since(self._rules.collecting.grace)
        unused = changing.execute(_UNUSED, (number, since)).fetchall()
        self.found.links += len(unused)
        changing.executemany("DELETE FROM links WHERE repository = ? AND digest = ?",
                             [(number, row[0]) for row in unused])  # fmt: skip
        changing.execute(
            "DELETE FROM lost WHERE repository = ?1 AND NOT EXISTS"
            " (SELECT 1 FROM parts WHERE repository = ?1 AND digest = lost.digest)", (number,)
        )  # fmt: skip
        changing.execute(
            "DELETE FROM repositories WHERE id = ?1 AND created < ?2"
            " AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM links WHERE repository = ?1)",
            (number, since),
        )

    def _prune_tags(self, changing: sqlite3.Connection, number: int, name: str) -> None:
        """The tags that the rules of retention don't keep."""
        rows = changing.execute("SELECT name, updated, digest FROM tags WHERE repository = ?",
                                (number,)).fetchall()  # fmt: skip
        digests = {row[0]: row[2] for row in rows}
        now = int(self._clock() * 1_000_000_000)
        for tag in surplus(self._rules, name, [Tag(row[0], row[1]) for row in rows], now):
            self.found.tags.append(f"{name}:{tag}")
            self._went(RETENTION, name, tag, digests[tag])
            manifests.remove_tag(changing, number, tag, digests[tag])

    def _drop_blobs(self) -> None:
        """Marks what no repository has, then removes each file with its row."""
        with self._database.transaction() as changing:
            rows = changing.execute(_ORPHANS).fetchall()
            changing.executemany("UPDATE blobs SET state = 'deleting' WHERE digest = ?",
                                 [(row[0],) for row in rows])  # fmt: skip
        for digest, size in rows:
            if self._drop_blob(digest):
                self._count(digest, size)
                self._went(COLLECTION, digest=digest)
        self._write_down()

    def _drop_blob(self, digest: str) -> bool:
        """False where it has been pushed again meanwhile."""
        with self._database.transaction() as changing:
            still = changing.execute(
                "SELECT 1 FROM blobs WHERE digest = ?1 AND state = 'deleting' AND NOT EXISTS"
                " (SELECT 1 FROM links WHERE digest = ?1)", (digest,)
            ).fetchone()  # fmt: skip
            if still is None:
                return False
            self._content.remove(digest)
            changing.execute("DELETE FROM blobs WHERE digest = ?", (digest,))
            return True

    def _drop_uploads(self) -> None:
        """Uploads to which nothing has been added for long; a client that sends is safe.

        Those that nothing has come of lose nobody any work, and go sooner.
        """
        period = self._rules.collecting.uploads
        since, empty_since = self._idle_since(period), self._idle_since(min(period, _EMPTY_SECONDS))
        for name, status in self._content.uploads():
            if status.st_mtime >= (since if status.st_size else empty_since):
                continue
            self.found.uploads += 1
            self.found.bytes += status.st_size if status.st_nlink == 1 else 0
            if not self._dry_run:
                self._content.drop_file(name)  # first: it may be what fills the disk
                with self._database.transaction() as changing:
                    changing.execute("DELETE FROM uploads WHERE id = ?", (name,))
        if not self._dry_run:
            self._forget_uploads(since)

    def _idle_since(self, period: int) -> int:
        """As for :meth:`_since`, but never what may be being sent."""
        if self._grace is None:
            return self._since(period)
        return min(self._since(period), int(self._clock()) - 60)  # for tests and emergencies

    def _forget_uploads(self, since: int) -> None:
        """Rows whose file is gone, as a crash may leave them."""
        for upload, started in self._database.query("SELECT id, started FROM uploads"):
            if started < since and self._content.received(upload) is None:
                self._database.execute("DELETE FROM uploads WHERE id = ?", (upload,))

    def _drop_strays(self) -> None:
        """Files without a record: a process was killed between the two."""
        since = self._since(self._rules.collecting.grace)
        for digest, status in self._content.stored():
            if max(status.st_mtime, status.st_ctime) >= since or self._is_known(digest):
                continue
            self._count(digest, status.st_size)
            if self._dry_run:
                continue
            with self._database.transaction() as changing:
                if not changing.execute("SELECT 1 FROM blobs WHERE digest = ?",
                                        (digest,)).fetchone():  # fmt: skip
                    self._content.remove(digest)
                    self._went(COLLECTION, digest=digest)
        self._write_down()

    def _is_known(self, digest: str) -> bool:
        found = self._database.query_one("SELECT 1 FROM blobs WHERE digest = ?", (digest,))
        return found is not None
