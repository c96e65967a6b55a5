"""The build cache: which layers a step yielded, by all that its result depends on.

A key is a digest of the step's definition, of the content that it reads, and of the key of what
it builds on. An entry also names the layers below, by their directories: where a step was done
anew and came out different, what was cached on top of the old result doesn't count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import msgspec

from dockyard import decoding
from dockyard.build import graph
from dockyard.build.usage import Record
from dockyard.images.layers import LayerStore
from dockyard.images.model import Layer
from dockyard.images.packages.model import UNDIVIDED, Division
from dockyard.oci import digest
from dockyard.state.database import Database

VERSION = 2
"""Part of every key: a change of what steps mean makes old entries void."""

_ID_LENGTH = 25
_RECORDS = """
    SELECT key, description, created, used, uses,
        (SELECT coalesce(sum(size), 0) FROM cache_layers JOIN layers ON layers.id = layer_id
            WHERE key = cache.key),
        NOT EXISTS (SELECT 1 FROM cache_layers WHERE key = cache.key
            AND layer_id NOT IN (SELECT layer_id FROM image_layers)),
        EXISTS (SELECT 1 FROM cache_layers JOIN leases USING (layer_id) WHERE key = cache.key)
    FROM cache ORDER BY used, key
"""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a file of the web was: its content's digest, and what its server said of it."""

    content: str
    etag: str = ""
    last_modified: str = ""


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the ``result`` column holds."""

    below: tuple[str, ...]
    origin: Origin | None = None
    division: Division = UNDIVIDED


class Hit(msgspec.Struct, frozen=True):
    """A cached result: the layers of the step, and those that it was made on."""

    layers: tuple[Layer, ...]
    below: tuple[str, ...]
    origin: Origin | None = None
    division: Division = UNDIVIDED


def key_of(vertex: graph.Vertex, below: Sequence[str], content: str, rules: str = "") -> str:
    """The key of a step.

    Args:
        below: keys of its inputs.
        content: digest of the files that it copies; empty for others.
        rules: how its result is divided into layers; empty for one layer.
    """
    operation = msgspec.json.encode(vertex.operation, order="deterministic").decode()
    parts = [VERSION, operation, vertex.epoch, list(below), content, *([rules] if rules else ())]
    return digest.of(msgspec.json.encode(parts))


def key_of_base(diff_ids: Sequence[str]) -> str:
    """The key of an existing image's filesystem."""
    return digest.of(msgspec.json.encode(["base", *diff_ids]))


def key_of_nothing() -> str:
    """A key that nobody asks for again, of a result that depends on what can't be told."""
    return digest.of(os.urandom(_ID_LENGTH))


class BuildCache:
    """Reads and writes entries. Each method is one atomic step."""

    def __init__(self, database: Database, layers: LayerStore) -> None:
        self._database = database
        self._layers = layers

    def find(self, key: str, holder: str) -> Hit | None:
        """The entry, with its layers leased to ``holder`` so that nobody collects them.

        None where a layer's directory is missing.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT result FROM cache WHERE key=?", (key,)).fetchone()
            if row is None:
                return None
            rows = connection.execute(
                "SELECT layer_id FROM cache_layers WHERE key=? ORDER BY position", (key,)
            )
            ids = [each[0] for each in rows]
            if not all(map(self._layers.on_disk, ids)):
                return None
            connection.executemany(
                "INSERT OR IGNORE INTO leases (holder, layer_id) VALUES (?, ?)",
                [(holder, each) for each in ids],
            )
            connection.execute(
                "UPDATE cache SET used=?, uses=uses+1 WHERE key=?", (time.time_ns(), key)
            )
        entry = decoding.from_json(row[0], _Entry)
        layers = tuple(self._layers.get(each) for each in ids)
        return Hit(layers, entry.below, entry.origin, entry.division)

    def put(
        self,
        key: str,
        description: str,
        layers: Sequence[Layer],
        below: Sequence[Layer],
        origin: Origin | None = None,
        division: Division = UNDIVIDED,
    ) -> None:
        """Records a result, in place of an earlier one; none of layers that are given up."""
        now = time.time_ns()
        entry = msgspec.json.encode(_Entry(tuple(layer.id for layer in below), origin, division))
        with self._database.transaction() as connection:
            ready = "SELECT 1 FROM layers WHERE id=? AND state='ready'"
            if not all(connection.execute(ready, (each.id,)).fetchone() for each in layers):
                return
            connection.execute("DELETE FROM cache WHERE key=?", (key,))
            connection.execute(
                "INSERT INTO cache (key, description, created, used, result)"
                " VALUES (?, ?, ?, ?, ?)",
                (key, description, now, now, entry),
            )
            connection.executemany(
                "INSERT INTO cache_layers VALUES (?, ?, ?)",
                [(key, position, layer.id) for position, layer in enumerate(layers)],
            )

    def records(self) -> tuple[Record, ...]:
        """All entries, each with the size of its layers."""
        rows = self._database.query(_RECORDS)
        return tuple(
            Record(
                id=_short(row[0]), kind="regular", description=row[1], created=row[2], used=row[3],
                uses=row[4], size=row[5], shared=bool(row[6]), in_use=bool(row[7]),
            )
            for row in rows
        )  # fmt: skip

    def forget(self, ids: Sequence[str]) -> None:
        """Removes entries; their layers stay until somebody collects them."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM cache WHERE key LIKE ?", [(f"sha256:{each}%",) for each in ids]
            )


def _short(key: str) -> str:
    """As many digits of a key as BuildKit's ids have."""
    return key.removeprefix("sha256:")[:_ID_LENGTH]
