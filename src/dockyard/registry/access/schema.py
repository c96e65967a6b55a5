"""The tables of who may what, in ``access.db``; a change is a new migration, never an edit."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    -- revision counts the changes: a running server reads anew what has another number, and what
    -- was issued for an earlier generation of a user or robot is void. service tells this registry
    -- from all others, in its tokens.
    CREATE TABLE registry (
        id        INTEGER PRIMARY KEY CHECK (id = 1),
        service   TEXT NOT NULL,
        revision  INTEGER NOT NULL
    ) STRICT;
    INSERT INTO registry VALUES (1, 'dockyard-' || lower(hex(randomblob(8))), 1);

    -- Times are seconds since 1970.
    CREATE TABLE users (
        name        TEXT PRIMARY KEY,
        password    TEXT NOT NULL,
        admin       INTEGER NOT NULL,
        disabled    INTEGER NOT NULL,
        generation  INTEGER NOT NULL,
        created     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE members (
        user    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        "group" TEXT NOT NULL,
        PRIMARY KEY (user, "group")
    ) STRICT, WITHOUT ROWID;

    -- What a client keeps instead of the password; its SHA-256.
    CREATE TABLE sessions (
        secret   BLOB PRIMARY KEY,
        user     TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        created  INTEGER NOT NULL,
        expires  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_user ON sessions (user, created);

    CREATE TABLE robots (
        name        TEXT PRIMARY KEY,
        secret      BLOB NOT NULL,
        generation  INTEGER NOT NULL,
        created     INTEGER NOT NULL,
        expires     INTEGER,
        last_used   INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE grants (
        robot    TEXT NOT NULL REFERENCES robots ON DELETE CASCADE,
        pattern  TEXT NOT NULL,
        actions  TEXT NOT NULL,
        PRIMARY KEY (robot, pattern)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE rules (
        subject  TEXT NOT NULL,
        pattern  TEXT NOT NULL,
        actions  TEXT NOT NULL,
        PRIMARY KEY (subject, pattern)
    ) STRICT, WITHOUT ROWID;

    -- What tokens are signed with: the newest one. Those before it are good until they end.
    CREATE TABLE keys (
        id       TEXT PRIMARY KEY,
        private  TEXT NOT NULL,
        created  INTEGER NOT NULL,
        ends     INTEGER
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- A session is good for the user's generation that it was made for. Of those before, nobody
    -- can tell which one that was.
    DELETE FROM sessions;
    ALTER TABLE sessions ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
    """,
)
