"""The tables of a registry, in ``registry.db``; a change is a new migration, never an edit."""

from __future__ import annotations

_CONTENT = """
-- Names under which there is content. Times are seconds since 1970, but for those of tags.
CREATE TABLE repositories (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    created  INTEGER NOT NULL
) STRICT;

-- Files with content. Whoever removes a file has marked its row before, and unlinks it in the
-- transaction that deletes the row. boot is the boot in which it was written as long as it may
-- not be on disk yet; empty when it is.
CREATE TABLE blobs (
    digest    TEXT PRIMARY KEY,
    size      INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('ready', 'deleting')),
    boot      TEXT NOT NULL,
    verified  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_not_synced ON blobs (boot) WHERE boot <> '';

-- Which repository has which: a blob is seen only where it was pushed or mounted. touched is when
-- somebody last asked for it to push on it.
CREATE TABLE links (
    repository  INTEGER NOT NULL REFERENCES repositories ON DELETE CASCADE,
    digest      TEXT NOT NULL REFERENCES blobs,
    touched     INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_digest ON links (digest);

-- Manifests and indexes, byte for byte. referrer is the descriptor by which the subject's list of
-- referrers has it.
CREATE TABLE manifests (
    repository  INTEGER NOT NULL REFERENCES repositories ON DELETE CASCADE,
    digest      TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    data        BLOB NOT NULL,
    subject     TEXT NOT NULL,
    referrer    BLOB NOT NULL,
    touched     INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
) STRICT;
CREATE INDEX manifests_by_subject ON manifests (repository, subject) WHERE subject <> '';

-- The blobs of a manifest, and the manifests of an index.
CREATE TABLE parts (
    repository  INTEGER NOT NULL,
    manifest    TEXT NOT NULL,
    digest      TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('blob', 'manifest')),
    PRIMARY KEY (repository, manifest, digest, kind),
    FOREIGN KEY (repository, manifest) REFERENCES manifests ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_by_digest ON parts (repository, digest);

-- updated is in nanoseconds since 1970.
CREATE TABLE tags (
    repository  INTEGER NOT NULL,
    name        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    updated     INTEGER NOT NULL,
    PRIMARY KEY (repository, name),
    FOREIGN KEY (repository, digest) REFERENCES manifests ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_digest ON tags (repository, digest);

-- What is being sent; how much of it has come is the size of its file.
CREATE TABLE uploads (
    id          TEXT PRIMARY KEY,
    repository  TEXT NOT NULL,
    owner       TEXT NOT NULL,
    started     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

_LOST = """
-- Repositories that had content which was damaged, and taken out. Whoever pushes it again, to
-- whatever repository, gives it back to all of them.
CREATE TABLE lost (
    digest      TEXT NOT NULL,
    repository  INTEGER NOT NULL REFERENCES repositories ON DELETE CASCADE,
    PRIMARY KEY (digest, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX lost_by_repository ON lost (repository);
"""

MIGRATIONS: tuple[str, ...] = (_CONTENT, _LOST)
