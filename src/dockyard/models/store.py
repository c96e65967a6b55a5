"""The records of models: documents, names, and which containers use them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

import msgspec

from dockyard import decoding
from dockyard.errors import Conflict, InvalidInput, NotFound
from dockyard.images.content import note_need
from dockyard.models import readers
from dockyard.models.model import Model, blobs_of, owner_of
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.oci import digest as digests
from dockyard.oci.reference import Reference, require_text
from dockyard.state.database import Database, Row

_SELECT = """
    SELECT id, manifest, config, media_type, created, size,
        (SELECT json_group_array(name)
         FROM (SELECT name FROM model_names WHERE model_id = models.id ORDER BY name))
    FROM models WHERE state = 'ready'
"""
_HEX = frozenset("0123456789abcdef")
_MIN_PREFIX = 2


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is about to be there: documents that were read and found good."""

    manifest: bytes
    config: bytes
    media_type: str
    created: int
    size: int
    blobs: tuple[str, ...]
    """Digests of all that its manifest names but the configuration."""

    @property
    def id(self) -> str:
        return digests.of(self.manifest)


class ModelStore:
    """Reads and writes these records. Every method is one atomic step.

    A model is ``pending`` until its directory is whole, and ``deleting`` while that goes; whoever
    makes or removes one holds its lock.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, model_id: str) -> str | None:
        """``pending``, ``ready`` or ``deleting``; ``None`` where there is no such model."""
        row = self._database.query_one("SELECT state FROM models WHERE id=?", (model_id,))
        return None if row is None else str(row[0])

    def begin(self, record: Record) -> None:
        """Records a model to be, which needs its blobs from now on."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO models (id, manifest, config, media_type, state, created, size)"
                " VALUES (?, ?, ?, ?, 'pending', ?, ?)",
                (record.id, record.manifest, record.config, record.media_type, record.created,
                 record.size),
            )  # fmt: skip
            note_need(connection, record.blobs, owner_of(record.id))

    def complete(self, model_id: str, names: Iterable[Reference], action: str) -> None:
        """Its directory is there, or was already: the model is ready, and the names are its own.

        Args:
            action: what brought it, for the event: ``pack`` or ``pull``.
        """
        with self._database.transaction() as connection:
            connection.execute("UPDATE models SET state='ready' WHERE id=?", (model_id,))
            for name in names:
                _point(connection, name, model_id)
            events.write(connection, _event(action, model_id))

    def tag(self, model_id: str, name: Reference) -> None:
        """Gives a model a name; another model that had it stays without.

        Raises:
            NotFound: the model has gone.
        """
        with self._database.transaction() as connection:
            _require(connection, model_id)
            _point(connection, name, model_id)

    def get(self, model_id: str) -> Model:
        """The model of that id.

        Raises:
            NotFound: there is none.
        """
        rows = self._database.query(f"{_SELECT} AND id=?", (model_id,))
        if not rows:
            raise _no_such(model_id)
        return _model(rows[0])

    def all(self) -> tuple[Model, ...]:
        """All models, the latest first."""
        rows = self._database.query(f"{_SELECT} ORDER BY created DESC, id")
        return tuple(map(_model, rows))

    def resolve(self, text: str) -> tuple[str, Reference | None]:
        """The id of the model that ``text`` means, and the stored name where it is one.

        It is a full id, else a name, else the beginning of an id.

        Raises:
            NotFound: there is no such model.
            InvalidInput: it is neither a name nor an id, or the beginning of several.
        """
        if not require_text(text, "a model's name or id").startswith(digests.PREFIX):
            found = self._by_name(text)
            if found is not None:
                return found
        prefix = text.removeprefix(digests.PREFIX)
        if len(prefix) < _MIN_PREFIX or not _HEX.issuperset(prefix):
            raise _no_such(text)
        start = digests.PREFIX + prefix
        rows = self._database.query(
            "SELECT id FROM models WHERE state='ready' AND id >= ? AND id < ? LIMIT 2",
            (start, f"{start}g"),
        )
        if not rows:
            raise _no_such(text)
        if len(rows) > 1:
            raise InvalidInput(f"the model id {prefix} is ambiguous", reference="ambiguous-id",
                               hint="give more digits (dockyard model ls --digests)")  # fmt: skip
        return rows[0][0], None

    def _by_name(self, text: str) -> tuple[str, Reference | None] | None:
        reference = Reference.parse(text)
        row = self._database.query_one(
            "SELECT model_id FROM model_names WHERE name=?", (str(reference),)
        )
        if row is not None:
            return row[0], reference
        if reference.digest is not None and self.state(reference.digest) == "ready":
            return reference.digest, None
        return None

    def use(self, model_id: str, container_id: str) -> None:
        """A container uses it from now on, until it is removed.

        Raises:
            NotFound: the model has gone.
        """
        with self._database.transaction() as connection:
            _require(connection, model_id)
            connection.execute("INSERT OR IGNORE INTO model_users VALUES (?, ?)",
                               (model_id, container_id))  # fmt: skip

    def users(self) -> Mapping[str, tuple[str, ...]]:
        """By id of a model, the ids of the containers that use it."""
        found: dict[str, tuple[str, ...]] = {}
        for model_id, container_id in self._database.query(
            "SELECT model_id, container_id FROM model_users ORDER BY model_id, container_id"
        ):
            found[model_id] = (*found.get(model_id, ()), container_id)
        return found

    def sizes(self) -> frozenset[int]:
        """Sizes of blobs that models have: what has none of these is surely new."""
        return frozenset(blob.size for model in self.all() for blob in model.blobs)

    def untag(self, name: Reference, model_id: str) -> None:
        """Takes a name from a model."""
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM model_names WHERE name=? AND model_id=?", (str(name), model_id)
            )
            if gone.rowcount:
                events.write(connection, _event("untag", model_id, name.familiar))

    def condemn(self, model_id: str, names: frozenset[str]) -> tuple[str, ...] | None:
        """Marks a model for removal and takes its names, unless a container uses it.

        Args:
            names: those that the caller knows; another one was given meanwhile, and keeps it.

        Returns:
            The ids of the containers that forbid it; ``None`` where a name does.
        """
        with self._database.transaction() as connection:
            users = connection.execute(
                "SELECT container_id FROM model_users WHERE model_id=? ORDER BY 1", (model_id,)
            ).fetchall()
            if users:
                return tuple(row[0] for row in users)
            has = connection.execute("SELECT name FROM model_names WHERE model_id=?", (model_id,))
            if {row[0] for row in has} - names:
                return None
            connection.execute("DELETE FROM model_names WHERE model_id=?", (model_id,))
            connection.execute("UPDATE models SET state='deleting' WHERE id=?", (model_id,))
            events.write(connection, _event("delete", model_id))
        return ()

    def unsettled(self) -> tuple[str, ...]:
        """Ids of those that were being made or removed."""
        rows = self._database.query("SELECT id FROM models WHERE state<>'ready'")
        return tuple(row[0] for row in rows)

    def delete(self, model_id: str) -> None:
        """Forgets a model whose directory has gone."""
        self._database.execute("DELETE FROM models WHERE id=?", (model_id,))


def _model(row: Row) -> Model:
    model_id, manifest, config, media_type, created, size, names = row
    return Model(
        id=model_id,
        manifest=manifest,
        config_bytes=config,
        media_type=media_type,
        contents=readers.read(manifest, config),
        names=decoding.from_json(names, tuple[str, ...]),
        created=created,
        size=size,
    )


def record_of(manifest: bytes, config: bytes, media_type: str, created: int) -> Record:
    """The record of documents.

    Raises:
        NotSupported, ContentMismatch, HostileInput: see :func:`dockyard.models.readers.read`.
    """
    blobs = blobs_of(readers.read(manifest, config).parts)
    size = sum(blob.size for blob in blobs) + len(config)
    if size >= decoding.INT64_MAX:
        raise InvalidInput(f"a model of {size} bytes is too large", hint="look at its manifest")
    return Record(
        manifest=manifest, config=config, media_type=media_type, created=created, size=size,
        blobs=tuple(blob.digest for blob in blobs),
    )  # fmt: skip


def _require(connection: sqlite3.Connection, model_id: str) -> None:
    found = connection.execute("SELECT 1 FROM models WHERE id=? AND state='ready'", (model_id,))
    if found.fetchone() is None:
        raise _no_such(model_id)


def _point(connection: sqlite3.Connection, name: Reference, model_id: str) -> None:
    if name.tag is None and name.digest not in {None, model_id}:
        raise Conflict(f"{name.familiar} is another model's digest", hint="give it a tag")
    connection.execute(
        "INSERT INTO model_names (name, model_id) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET model_id = excluded.model_id",
        (str(name), model_id),
    )
    events.write(connection, _event("tag", model_id, name.familiar))


def _event(action: str, model_id: str, name: str | None = None) -> Event:
    return Event(type="model", action=action, actor=model_id,
                 attributes={"name": model_id if name is None else name})  # fmt: skip


def _no_such(text: str) -> NotFound:
    return NotFound(
        f"No such model: {text}",
        hint="dockyard model ls lists what is there; dockyard model pull gets one from a registry,"
        " dockyard model pack makes one of files",
        reference="no-such-model",
    )
