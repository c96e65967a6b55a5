"""Reading all content again, to find what a broken disk has changed, and who misses it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dockyard.registry.server.blobs import Blobs
from dockyard.registry.server.content import Content
from dockyard.state.database import Database

_NEEDING = """
WITH RECURSIVE needing (repository, digest) AS (
    SELECT r.id, p.manifest FROM repositories r JOIN parts p
        ON p.repository = r.id AND p.digest = ?1 AND p.kind = 'blob'
    UNION
    SELECT p.repository, p.manifest FROM needing n JOIN parts p
        ON p.repository = n.repository AND p.digest = n.digest AND p.kind = 'manifest'
)
SELECT r.name, t.name FROM needing n JOIN repositories r ON r.id = n.repository
    LEFT JOIN tags t ON t.repository = n.repository AND t.digest = n.digest
"""
"""What needs a blob: repositories, and the tags that lead to it, directly or by an index."""
_MISSING = """
SELECT DISTINCT digest FROM lost WHERE EXISTS
    (SELECT 1 FROM parts WHERE repository = lost.repository AND digest = lost.digest)
"""


class Scrubbed(msgspec.Struct, kw_only=True):
    """What was read, and what of it was damaged."""

    blobs: int = 0
    bytes: int = 0
    damaged: list[str] = []
    missing: list[str] = []
    """What was taken out before, is needed, and was not pushed again since."""
    affected: dict[str, tuple[str, ...]] = {}
    """By these digests, what can't be pulled; see :func:`affected`."""


def scrub(
    database: Database, content: Content, blobs: Blobs, *, repair: bool = True,
    tell: Callable[[str, int], None] = lambda _digest, _size: None,
) -> Scrubbed:  # fmt: skip
    """Compares every blob with its digest, those first that were not read for the longest time.

    Args:
        repair: what is damaged is taken out, so that clients find it missing and push it again.
        tell: is told of each blob before it is read.
    """
    found = Scrubbed(missing=[row[0] for row in database.query(_MISSING)])
    rows = database.query("SELECT digest, size FROM blobs WHERE state = 'ready' ORDER BY verified")
    for digest, size in rows:
        tell(digest, size)
        seen = content.identity(digest)
        good = content.has_digest(digest)
        if not good and _is_gone(database, digest):  # collected meanwhile
            continue
        found.blobs += 1
        found.bytes += size
        if good:
            blobs.verified(digest)
            continue
        if not repair or blobs.lose(digest, seen):  # else it has just been pushed again
            found.damaged.append(digest)
    found.affected = {one: affected(database, one) for one in (*found.damaged, *found.missing)}
    return found


def affected(database: Database, digest: str) -> tuple[str, ...]:
    """What needs a blob, in order: ``REPOSITORY:TAG``, or a repository if no tag leads to it."""
    rows = database.query(_NEEDING, (digest,))
    tagged = {name for name, tag in rows if tag is not None}
    tags = {f"{name}:{tag}" for name, tag in rows if tag is not None}
    return tuple(sorted(tags | {name for name, _ in rows} - tagged))


def _is_gone(database: Database, digest: str) -> bool:
    row = database.query_one("SELECT 1 FROM blobs WHERE digest = ? AND state = 'ready'", (digest,))
    return row is None
