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
    """
    -- Who needs the file of a blob below blobs/sha256/: a layer ('layer:ID') or something else that
    -- has a record ('KIND:ID'), or a holder, whose need is void once its lock is free. A file that
    -- nobody needs may go at any time.
    CREATE TABLE content (
        digest  TEXT NOT NULL,
        owner   TEXT NOT NULL,
        PRIMARY KEY (digest, owner)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX content_by_owner ON content (owner);

    -- A layer as registries have it: the digest of what its tar was compressed to. 'compressor' is
    -- empty for what came from elsewhere, which is kept; else it says with what it can be made
    -- again.
    CREATE TABLE layer_forms (
        layer_id    TEXT NOT NULL REFERENCES layers ON DELETE CASCADE,
        digest      TEXT NOT NULL,
        media_type  TEXT NOT NULL,
        size        INTEGER NOT NULL,
        compressor  TEXT NOT NULL,
        PRIMARY KEY (layer_id, digest)
    ) STRICT, WITHOUT ROWID;

    -- Repositories that were seen to have a blob.
    CREATE TABLE blob_places (
        digest      TEXT NOT NULL,
        repository  TEXT NOT NULL,
        PRIMARY KEY (digest, repository)
    ) STRICT, WITHOUT ROWID;

    -- What registries say of an image, byte for byte: its manifest, and indexes that led to it.
    CREATE TABLE manifests (
        digest      TEXT NOT NULL,
        image_id    TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
        media_type  TEXT NOT NULL,
        data        BLOB NOT NULL,
        PRIMARY KEY (digest, image_id)
    ) STRICT;
    CREATE INDEX manifests_by_image ON manifests (image_id);
    CREATE TABLE repository_digests (
        repository  TEXT NOT NULL,
        digest      TEXT NOT NULL,
        image_id    TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
        PRIMARY KEY (repository, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX repository_digests_by_image ON repository_digests (image_id);
    """,
    """
    -- Uploads that have begun, and where they go on; whoever sends holds the lock u-<digits>.
    CREATE TABLE uploads (
        repository  TEXT NOT NULL,
        digest      TEXT NOT NULL,
        location    TEXT NOT NULL,
        started     INTEGER NOT NULL,
        PRIMARY KEY (repository, digest)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- A model: its manifest, whose digest is the id, and its configuration, byte for byte.
    -- 'pending' while its directory below models/ is made, 'deleting' while that goes; whoever
    -- makes or deletes it holds the lock model-<digits>. Its blobs are needed by 'model:ID'.
    CREATE TABLE models (
        id          TEXT PRIMARY KEY,
        manifest    BLOB NOT NULL,
        config      BLOB NOT NULL,
        media_type  TEXT NOT NULL,
        state       TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'deleting')),
        created     INTEGER NOT NULL,
        size        INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE model_names (
        name      TEXT PRIMARY KEY,
        model_id  TEXT NOT NULL REFERENCES models
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX model_names_by_model ON model_names (model_id);
    CREATE TABLE model_users (
        model_id      TEXT NOT NULL REFERENCES models,
        container_id  TEXT NOT NULL REFERENCES containers ON DELETE CASCADE,
        PRIMARY KEY (model_id, container_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX model_users_by_container ON model_users (container_id);
    """,
    """
    -- What is served: a service of a project with its variants, what they are made from, and what
    -- commands have said of it since.
    CREATE TABLE serving_services (
        project  TEXT NOT NULL,
        name     TEXT NOT NULL,
        record   BLOB NOT NULL,
        PRIMARY KEY (project, name)
    ) STRICT, WITHOUT ROWID;
    -- Images that replicas are made from, which stay though there is no replica.
    CREATE TABLE serving_images (
        project   TEXT NOT NULL,
        variant   TEXT NOT NULL,
        service   TEXT NOT NULL,
        image_id  TEXT NOT NULL REFERENCES images,
        PRIMARY KEY (project, variant),
        FOREIGN KEY (project, service) REFERENCES serving_services ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX serving_images_by_image ON serving_images (image_id);
    -- What the controller knows of a variant, so that another one goes on where it was.
    CREATE TABLE serving_standings (
        project  TEXT NOT NULL,
        variant  TEXT NOT NULL,
        record   BLOB NOT NULL,
        PRIMARY KEY (project, variant)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE serving_rollouts (
        project  TEXT NOT NULL,
        service  TEXT NOT NULL,
        record   BLOB NOT NULL,
        PRIMARY KEY (project, service)
    ) STRICT, WITHOUT ROWID;
    -- The last decisions, for those who ask why.
    CREATE TABLE serving_decisions (
        id       INTEGER PRIMARY KEY,
        at       REAL NOT NULL,
        project  TEXT NOT NULL,
        variant  TEXT NOT NULL,
        kind     TEXT NOT NULL,
        text     TEXT NOT NULL
    ) STRICT;
    CREATE INDEX serving_decisions_by_variant ON serving_decisions (project, variant, id);
    """,
    """
    -- A batch and its shards; what came of its records is in files. 'canceling' asks whoever runs
    -- it, who holds the lock batch-<id>, to end.
    CREATE TABLE batches (
        id         TEXT PRIMARY KEY,
        created    INTEGER NOT NULL,
        canceling  INTEGER NOT NULL DEFAULT 0,
        record     BLOB NOT NULL
    ) STRICT;
    CREATE TABLE batch_shards (
        batch   TEXT NOT NULL REFERENCES batches ON DELETE CASCADE,
        number  INTEGER NOT NULL,
        record  BLOB NOT NULL,
        PRIMARY KEY (batch, number)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- What replicas of a variant have used of processors, those that are gone too: a counter that
    -- never falls, whoever looks and whoever is killed.
    CREATE TABLE serving_consumption (
        project  TEXT NOT NULL,
        variant  TEXT NOT NULL,
        record   BLOB NOT NULL,
        PRIMARY KEY (project, variant)
    ) STRICT, WITHOUT ROWID;
    """,
)
