"""The schema of ``state.db``: an ordered list of migrations, applied once each.

A migration is never edited after a release; a change is a new entry. ``PRAGMA user_version`` is
the number of migrations applied.
"""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    -- A layer is a directory below layers/. 'pending' while its holder makes it, 'ready' once it is
    -- complete and synced, 'deleting' while its files go. Every directory has a row, always.
    CREATE TABLE layers (
        id       TEXT PRIMARY KEY,
        diff_id  TEXT UNIQUE,
        state    TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'deleting')),
        holder   TEXT,
        size     INTEGER NOT NULL DEFAULT 0,
        writer   INTEGER NOT NULL DEFAULT 1,
        epoch    INTEGER NOT NULL DEFAULT 0,
        times    TEXT NOT NULL DEFAULT 'clamp'
    ) STRICT;

    -- An image: its configuration byte for byte (its digest is the id) and its layers in order.
    CREATE TABLE images (
        id      TEXT PRIMARY KEY,
        config  BLOB NOT NULL,
        built   INTEGER NOT NULL,
        size    INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE image_layers (
        image_id  TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
        position  INTEGER NOT NULL,
        layer_id  TEXT NOT NULL REFERENCES layers,
        PRIMARY KEY (image_id, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX image_layers_by_layer ON image_layers (layer_id);
    CREATE TABLE names (
        name      TEXT PRIMARY KEY,
        image_id  TEXT NOT NULL REFERENCES images
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX names_by_image ON names (image_id);

    -- What a running process needs beyond references: void once the holder's lock is free.
    CREATE TABLE leases (
        holder    TEXT NOT NULL,
        layer_id  TEXT NOT NULL REFERENCES layers,
        PRIMARY KEY (holder, layer_id)
    ) STRICT, WITHOUT ROWID;

    -- A vertex of a build and what it yielded.
    CREATE TABLE cache (
        key          TEXT PRIMARY KEY,
        description  TEXT NOT NULL,
        created      INTEGER NOT NULL,
        used         INTEGER NOT NULL,
        result       BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cache_layers (
        key       TEXT NOT NULL REFERENCES cache ON DELETE CASCADE,
        position  INTEGER NOT NULL,
        layer_id  TEXT NOT NULL REFERENCES layers,
        PRIMARY KEY (key, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX cache_layers_by_layer ON cache_layers (layer_id);

    -- A directory below work/ with mounts and processes of a step; its holder's lock is w-<id>.
    CREATE TABLE workspaces (
        id       TEXT PRIMARY KEY,
        purpose  TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE containers (
        id        TEXT PRIMARY KEY,
        name      TEXT NOT NULL UNIQUE,
        image_id  TEXT NOT NULL REFERENCES images,
        state     TEXT NOT NULL,
        created   INTEGER NOT NULL,
        record    BLOB NOT NULL
    ) STRICT;
    CREATE INDEX containers_by_state ON containers (state);
    CREATE INDEX containers_by_image ON containers (image_id);

    CREATE TABLE networks (
        name    TEXT PRIMARY KEY,
        record  BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- One row for each attached endpoint: a container or a step of a build.
    CREATE TABLE endpoints (
        network  TEXT NOT NULL REFERENCES networks,
        address  TEXT NOT NULL,
        holder   TEXT NOT NULL,
        record   BLOB NOT NULL,
        PRIMARY KEY (network, address)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX endpoints_by_holder ON endpoints (holder);

    CREATE TABLE volumes (
        name       TEXT PRIMARY KEY,
        created    INTEGER NOT NULL,
        anonymous  INTEGER NOT NULL,
        state      TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'deleting'))
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE volume_users (
        volume        TEXT NOT NULL REFERENCES volumes,
        container_id  TEXT NOT NULL REFERENCES containers ON DELETE CASCADE,
        PRIMARY KEY (volume, container_id)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- How containers ended that are gone, for a while: others may still wait for them.
    CREATE TABLE exits (
        container_id  TEXT PRIMARY KEY,
        code          INTEGER NOT NULL,
        finished      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- A container's options are sorted by subject.
    UPDATE containers SET record = CAST(json_set(
        CAST(record AS TEXT),
        '$.options.networking', json_object(
            'network', CAST(record AS TEXT) -> '$.options.network',
            'ports', CAST(record AS TEXT) -> '$.options.ports'
        ),
        '$.options.resources', json_object(
            'memory', CAST(record AS TEXT) -> '$.options.memory',
            'cpus', CAST(record AS TEXT) -> '$.options.cpus',
            'pids_limit', CAST(record AS TEXT) -> '$.options.pids_limit',
            'shm_size', CAST(record AS TEXT) -> '$.options.shm_size',
            'ulimits', CAST(record AS TEXT) -> '$.options.ulimits'
        ),
        '$.options.security', json_object(
            'cap_add', CAST(record AS TEXT) -> '$.options.cap_add',
            'cap_drop', CAST(record AS TEXT) -> '$.options.cap_drop',
            'options', CAST(record AS TEXT) -> '$.options.security'
        ),
        '$.options.console', json_object(
            'interactive', CAST(record AS TEXT) -> '$.options.interactive'
        )
    ) AS BLOB);
    """,
    """
    -- What volume create was asked for: JSON objects.
    ALTER TABLE volumes ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE volumes ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
    """,
    """
    -- What happened, the oldest first; see observability/events.py.
    CREATE TABLE events (
        id          INTEGER PRIMARY KEY,
        time        INTEGER NOT NULL,
        type        TEXT NOT NULL,
        action      TEXT NOT NULL,
        actor       TEXT NOT NULL,
        attributes  BLOB NOT NULL
    ) STRICT;
    """,
    """
    -- A directory below cache/ that RUN steps mount. 'pending' while it is made, 'deleting' while
    -- it goes; whoever uses, makes or deletes it holds the lock m-<id>. Several may have one key.
    CREATE TABLE cache_mounts (
        id       TEXT PRIMARY KEY,
        key      TEXT NOT NULL,
        name     TEXT NOT NULL,
        state    TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'deleting')),
        created  INTEGER NOT NULL,
        used     INTEGER NOT NULL,
        uses     INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX cache_mounts_by_key ON cache_mounts (key);
    """,
    """
    -- How often a step's result was used.
    ALTER TABLE cache ADD COLUMN uses INTEGER NOT NULL DEFAULT 1;
    """,
    """
    -- A container's record has its labels, with those of the image; older ones know the user's.
    UPDATE containers SET record = CAST(json_set(
        CAST(record AS TEXT), '$.labels',
        json(coalesce(CAST(record AS TEXT) -> '$.options.labels', '{}'))
    ) AS BLOB) WHERE CAST(record AS TEXT) -> '$.labels' IS NULL;
    """,
    """
    -- A layer that means something only above certain others: its diff_id is NULL, as the same tar
    -- makes other directories elsewhere; chained is its digest, chain that of the layers below.
    ALTER TABLE layers ADD COLUMN chained TEXT;
    ALTER TABLE layers ADD COLUMN chain TEXT;
    CREATE UNIQUE INDEX layers_by_chain ON layers (chained, chain);
    """,
    """
    -- What health checks found out, and when a container is probed next (nanoseconds since 1970).
    CREATE TABLE health (
        container_id  TEXT PRIMARY KEY REFERENCES containers ON DELETE CASCADE,
        due           INTEGER NOT NULL,
        record        BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- Networks have ids and pools of addresses, for IPv6 too, and an endpoint on each of several.
    UPDATE networks SET record = CAST(json_object(
        'id', lower(hex(randomblob(32))),
        'name', name,
        'bridge', CAST(record AS TEXT) ->> '$.bridge',
        'ipv4', json_object(
            'subnet', CAST(record AS TEXT) ->> '$.subnet',
            'gateway', CAST(record AS TEXT) ->> '$.gateway'
        ),
        'mtu', CAST(record AS TEXT) ->> '$.mtu'
    ) AS BLOB);
    CREATE UNIQUE INDEX endpoints_by_place ON endpoints (holder, network);
    """,
)
