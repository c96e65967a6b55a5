"""The records of manifests and tags of repositories."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable

import msgspec

from dockyard.registry.server import names, problems
from dockyard.registry.server.blobs import repository_id
from dockyard.registry.server.documents import Parsed
from dockyard.state.database import Database

_BATCH = 500

Fixed = Callable[[str], bool]
"""True for a tag of the repository that may not move once it is there."""

_LEADING = """
WITH RECURSIVE leading (digest) AS (
    VALUES (?2)
    UNION SELECT p.manifest FROM leading JOIN parts p
        ON p.repository = ?1 AND p.digest = leading.digest AND p.kind = 'manifest'
)
SELECT name FROM tags WHERE repository = ?1 AND digest IN (SELECT digest FROM leading)
    ORDER BY name
"""
"""The tags of a manifest, and those of the indexes that have it."""
_TOUCH_LED = """
UPDATE manifests SET touched = ?3 WHERE repository = ?1 AND digest IN (
    SELECT digest FROM parts WHERE repository = ?1 AND manifest = ?2 AND kind = 'manifest'
    UNION ALL SELECT digest FROM manifests
        WHERE repository = ?1 AND subject = ?2 AND subject <> ''
)
"""
"""What is kept because a manifest is: those of an index, and those that it is the subject of."""
_TOUCH_BLOBS = """
UPDATE links SET touched = ?3 WHERE repository = ?1 AND digest IN
    (SELECT digest FROM parts WHERE repository = ?1 AND manifest = ?2 AND kind = 'blob')
"""


class Stored(msgspec.Struct, frozen=True):
    """A manifest or index, byte for byte."""

    digest: str
    media_type: str
    data: bytes
    subject: str


class Incomplete(Exception):
    """The repository lacks content that a manifest needs."""

    def __init__(self, digests: list[str]) -> None:
        super().__init__(", ".join(digests))
        self.digests = digests


class Manifests:
    """Manifests and tags. Safe between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, repository: str, reference: str) -> Stored | None:
        """What a tag or a digest names."""
        by = "m.digest = ?2"
        if not names.is_digest(reference):
            by = "m.digest = (SELECT digest FROM tags WHERE repository = r.id AND name = ?2)"
        row = self._database.query_one(
            "SELECT m.digest, m.media_type, m.data, m.subject FROM manifests m"  # noqa: S608
            f" JOIN repositories r ON r.id = m.repository WHERE r.name = ?1 AND {by}",
            (repository, reference),
        )
        return Stored(*row) if row else None

    def put(
        self, repository: str, parsed: Parsed, digest: str, data: bytes, tag: str = "",
        check: Callable[[sqlite3.Connection], None] | None = None, whole: bool = True,
        fixed: Fixed | None = None,
    ) -> bool:  # fmt: skip
        """Stores a manifest with a tag, durably, or nothing of it; True where the tag was moved.

        What is there already keeps its media type: bytes that can be taken for two things are no
        way to change what a tag is served as.

        Args:
            check: looks at what there would be, and refuses by raising.
            whole: all that it needs has to be there; not so for a mirror, which gets it later.

        Raises:
            Incomplete: the repository lacks what it needs; nothing can take that away afterwards.
            problems.Refused: the tag may not move, or the media type is another one.
        """
        with self._database.transaction() as changing:
            number = repository_id(changing, repository)
            if tag and fixed is not None and fixed(tag):
                _refuse_move(changing, number, repository, tag, digest)
            if whole:
                _refuse_incomplete(changing, number, parsed)
                _refuse_other_type(changing, number, digest, parsed.media_type)
            _insert(changing, number, parsed, digest, data)
            if check is not None:
                check(changing)
            return bool(tag) and _set_tag(changing, number, tag, digest)

    def remove(self, repository: str, digest: str, fixed: Fixed | None = None) -> bool:
        """Removes a manifest with its tags; False where there is none.

        What only it kept stays for the grace period, which begins now.

        Raises:
            problems.Refused: a tag that may not move leads to it, directly or by an index.
        """
        with self._database.transaction() as changing:
            number = _number(changing, repository)
            if fixed is not None:
                for row in changing.execute(_LEADING, (number, digest)):
                    if fixed(row[0]):
                        raise problems.conflict(
                            f"tag {row[0]} of {repository} is immutable, and needs it"
                        )
            for touching in (_TOUCH_LED, _TOUCH_BLOBS):
                changing.execute(touching, (number, digest, _now()))
            return changing.execute("DELETE FROM manifests WHERE repository = ? AND digest = ?",
                                    (number, digest)).rowcount > 0  # fmt: skip

    def untag(self, repository: str, tag: str, fixed: Fixed | None = None) -> bool:
        """Removes a tag; False where there is none. The manifest stays for the grace period.

        Raises:
            problems.Refused: it may not go.
        """
        with self._database.transaction() as changing:
            row = changing.execute(
                "SELECT t.repository, t.digest FROM tags t JOIN repositories r"
                " ON r.id = t.repository WHERE r.name = ? AND t.name = ?", (repository, tag)
            ).fetchone()  # fmt: skip
            if row is None:
                return False
            if fixed is not None and fixed(tag):
                raise problems.conflict(f"tag {tag} of {repository} is immutable")
            remove_tag(changing, row[0], tag, row[1])
            return True

    def tags(self, repository: str, most: int, after: str = "") -> list[str] | None:
        """Up to ``most`` tags in the order of ASCII; ``None`` where there is no repository."""
        row = self._database.query_one("SELECT id FROM repositories WHERE name = ?", (repository,))
        if row is None:
            return None
        rows = self._database.query(
            "SELECT name FROM tags WHERE repository = ? AND name > ? ORDER BY name LIMIT ?",
            (row[0], after, most),
        )
        return [each[0] for each in rows]

    def repositories(self, most: int, after: str = "") -> list[str]:
        """Up to ``most`` names of repositories that have something, in order."""
        rows = self._database.query(
            "SELECT name FROM repositories r WHERE name > ? AND (EXISTS"
            " (SELECT 1 FROM manifests WHERE repository = r.id) OR EXISTS"
            " (SELECT 1 FROM links WHERE repository = r.id)) ORDER BY name LIMIT ?",
            (after, most),
        )
        return [row[0] for row in rows]

    def referrers(
        self, repository: str, subject: str, after: str, most: int, size: int
    ) -> tuple[list[tuple[str, bytes]], bool]:
        """What refers to a manifest, in the order of the digests, each with its descriptor in JSON.

        They are ``most``, or ``size`` bytes, but one at least; True where more follow.
        """
        with self._database.reading() as reading:
            rows = reading.execute(
                "SELECT m.digest, length(m.referrer), m.repository FROM manifests m"
                " JOIN repositories r ON r.id = m.repository"
                " WHERE r.name = ? AND m.subject = ? AND m.digest > ? ORDER BY m.digest LIMIT ?",
                (repository, subject, after, most + 1),
            ).fetchall()
            totals = itertools.accumulate(row[1] for row in rows[:most])
            count = max(1, sum(total <= size for total in totals))
            if not rows:
                return [], False
            found = reading.execute(
                "SELECT digest, referrer FROM manifests WHERE repository = ? AND subject = ?"
                " AND digest > ? AND digest <= ? ORDER BY digest",
                (rows[0][2], subject, after, rows[:count][-1][0]),
            ).fetchall()
            return found, len(rows) > count


def remove_tag(changing: sqlite3.Connection, repository: int, tag: str, digest: str) -> None:
    """Removes a tag within a transaction; its manifest's time without one begins now."""
    changing.execute("DELETE FROM tags WHERE repository = ? AND name = ?", (repository, tag))
    _touch(changing, repository, digest)


def _number(changing: sqlite3.Connection, repository: str) -> int | None:
    row = changing.execute("SELECT id FROM repositories WHERE name = ?", (repository,)).fetchone()
    return int(row[0]) if row else None


def _refuse_move(
    changing: sqlite3.Connection, number: int, repository: str, tag: str, digest: str
) -> None:
    """A tag that may not move can be pushed once, and again with the same content."""
    before = changing.execute("SELECT digest FROM tags WHERE repository = ? AND name = ?",
                              (number, tag)).fetchone()  # fmt: skip
    if before is not None and before[0] != digest:
        raise problems.conflict(
            f"tag {tag} of {repository} is immutable and names another manifest: {before[0]}"
        )


def _refuse_other_type(
    changing: sqlite3.Connection, repository: int, digest: str, media_type: str
) -> None:
    row = changing.execute("SELECT media_type FROM manifests WHERE repository = ? AND digest = ?",
                           (repository, digest)).fetchone()  # fmt: skip
    if row is not None and row[0] != media_type:
        raise problems.bad_manifest(f"it is here already, as {row[0]}")


def _refuse_incomplete(changing: sqlite3.Connection, repository: int, parsed: Parsed) -> None:
    lacking = _lacking(changing, repository, parsed)
    if lacking:
        raise Incomplete(lacking)


def _lacking(changing: sqlite3.Connection, repository: int, parsed: Parsed) -> list[str]:
    known: set[str] = set()
    for table, digests in (("links", parsed.blobs), ("manifests", parsed.children)):
        for start in range(0, len(digests), _BATCH):
            batch = digests[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            known.update(row[0] for row in changing.execute(
                f"SELECT digest FROM {table} WHERE repository = ? AND digest IN ({marks})",  # noqa: S608
                (repository, *batch),
            ))  # fmt: skip
    return [digest for digest in (*parsed.blobs, *parsed.children) if digest not in known]


def _insert(
    changing: sqlite3.Connection, repository: int, parsed: Parsed, digest: str, data: bytes
) -> None:
    changing.execute(
        "INSERT INTO manifests VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT DO UPDATE SET touched = ?7",
        (repository, digest, parsed.media_type, data, parsed.subject, parsed.referrer, _now()),
    )
    for kind, digests in (("blob", parsed.blobs), ("manifest", parsed.children)):
        changing.executemany(
            "INSERT OR IGNORE INTO parts VALUES (?, ?, ?, ?)",
            [(repository, digest, each, kind) for each in digests],
        )


def _set_tag(changing: sqlite3.Connection, repository: int, tag: str, digest: str) -> bool:
    before = changing.execute("SELECT digest FROM tags WHERE repository = ? AND name = ?",
                              (repository, tag)).fetchone()  # fmt: skip
    changing.execute(
        "INSERT INTO tags VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
        " SET digest = ?3, updated = ?4", (repository, tag, digest, time.time_ns())
    )  # fmt: skip
    if before is None or before[0] == digest:
        return False
    _touch(changing, repository, before[0])
    return True


def _touch(changing: sqlite3.Connection, repository: int, digest: str) -> None:
    changing.execute("UPDATE manifests SET touched = ? WHERE repository = ? AND digest = ?",
                     (_now(), repository, digest))  # fmt: skip


def _now() -> int:
    return int(time.time())
