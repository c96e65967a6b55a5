"""What a registry holds: for ``registry stats`` and the metrics."""

from __future__ import annotations

import msgspec

from dockyard.registry.server.content import Content
from dockyard.registry.server.quota import used
from dockyard.registry.server.rules import Quota, Rules
from dockyard.state.database import Database


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """One repository in numbers."""

    name: str
    tags: int
    manifests: int
    blobs: int
    size: int
    """Bytes of its blobs, also of those that others have as well."""


class Used(msgspec.Struct, frozen=True):
    """A quota, and how much of it is in use."""

    quota: Quota
    bytes: int
    """Of all repositories that it means."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A registry in numbers."""

    repositories: int
    tags: int
    manifests: int
    blobs: int
    size: int
    """Bytes of all blobs, each once."""
    shared: int
    """Bytes that would be there as well if each repository had its own."""
    uploads: int
    upload_size: int


_REPOSITORIES = """
SELECT r.name,
    (SELECT count(*) FROM tags WHERE repository = r.id),
    (SELECT count(*) FROM manifests WHERE repository = r.id),
    (SELECT count(*) FROM links WHERE repository = r.id),
    (SELECT coalesce(sum(size), 0) FROM links JOIN blobs USING (digest) WHERE repository = r.id)
FROM repositories r ORDER BY r.name
"""


def repositories(database: Database) -> list[Repository]:
    """All repositories by name."""
    return [
        Repository(name=name, tags=tags, manifests=manifests, blobs=blobs, size=size)
        for name, tags, manifests, blobs, size in database.query(_REPOSITORIES)
    ]


def quotas(database: Database, rules: Rules) -> list[Used]:
    """All quotas, in the order of the settings."""
    found = []
    for quota in rules.quotas:
        with database.transaction(durable=False) as connection:
            found.append(Used(quota, used(connection, quota)))
    return found


def summary(database: Database, content: Content) -> Summary:
    """All of it together."""
    each = repositories(database)
    ((blobs, size),) = database.query(
        "SELECT count(*), coalesce(sum(size), 0) FROM blobs WHERE state = 'ready'"
    )
    sending = [status.st_size for _, status in content.uploads()]
    return Summary(
        repositories=len(each), tags=sum(one.tags for one in each),
        manifests=sum(one.manifests for one in each), blobs=blobs, size=size,
        shared=max(0, sum(one.size for one in each) - size),
        uploads=len(sending), upload_size=sum(sending),
    )  # fmt: skip
