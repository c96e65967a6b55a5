"""What registries know of the images of a root: manifests byte for byte, the digests by which
repositories have them, and layers as they were compressed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from dockyard.images.content import ContentStore, note_need
from dockyard.oci.image import INDEXES, decode_manifest
from dockyard.state.database import Database, Row

_FORMS = "SELECT digest, media_type, size, compressor FROM layer_forms"
_MOST_PLACES = 16
"""Repositories remembered for a blob."""


class Form(msgspec.Struct, frozen=True):
    """What a layer's tar was compressed to.

    ``compressor`` says with what it can be made again (``zstd 1.5.7 level 3``); it is empty for
    what came from elsewhere, which the content store has.
    """

    digest: str
    media_type: str
    size: int
    compressor: str = ""


class Kept(msgspec.Struct, frozen=True):
    """A manifest or an index, byte for byte."""

    digest: str
    media_type: str
    data: bytes


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded together with an image that a registry gave.

    ``documents`` are its manifest and the indexes that led to it, ``digests`` those by which
    ``repository`` (a full name) has it; ``forms`` are pairs of a layer's id and what came of it.
    """

    repository: str
    documents: tuple[Kept, ...]
    digests: tuple[str, ...]
    forms: tuple[tuple[str, Form], ...] = ()
    blobs: tuple[str, ...] = ()
    """All blobs that the repository has of it, those that were not fetched too."""


class Distribution:
    """Reads and writes these records."""

    def __init__(self, database: Database, content: ContentStore) -> None:
        self._database = database
        self._content = content

    def forms(self, layer_id: str) -> tuple[Form, ...]:
        """All that a layer was ever compressed to."""
        return tuple(map(_form, self._database.query(f"{_FORMS} WHERE layer_id=?", (layer_id,))))

    def kept_forms(self, layer_id: str) -> tuple[Form, ...]:
        """Those that the content store has. The caller holds the layer."""
        return tuple(form for form in self.forms(layer_id) if self._content.has(form.digest))

    def form_by(self, layer_id: str, compressor: str) -> Form | None:
        """What a compressor made of a layer before; it would make the same again."""
        row = self._database.query_one(
            f"{_FORMS} WHERE layer_id=? AND compressor=?", (layer_id, compressor)
        )
        return None if row is None else _form(row)

    def add_form(self, layer_id: str, form: Form) -> None:
        """Records what a layer was compressed to. Idempotent.

        Nothing is recorded of a layer that is not there any more.
        """
        with self._database.transaction() as connection:
            if connection.execute("SELECT 1 FROM layers WHERE id=?", (layer_id,)).fetchone():
                _add_form(connection, layer_id, form)

    def documents(self, image_id: str) -> tuple[Kept, ...]:
        """Manifests of an image, and indexes that have them."""
        rows = self._database.query(
            "SELECT digest, media_type, data FROM manifests WHERE image_id=? ORDER BY rowid",
            (image_id,),
        )
        return tuple(Kept(*row) for row in rows)

    def manifests(self, image_id: str) -> tuple[Kept, ...]:
        """Manifests by which an image came, the latest first; not the indexes."""
        found = self.documents(image_id)[::-1]
        return tuple(each for each in found if each.media_type not in INDEXES)

    def pulled_manifest(self, image_id: str) -> Kept | None:
        """The manifest by which an image came: one all of whose layers are kept, else any are.

        A layer that was here already wasn't fetched; where the registry still has it, a push of
        the manifest gives the same digest again nevertheless.
        """
        partial: Kept | None = None
        for each in self.manifests(image_id):
            kept = [self._content.has(layer.digest) for layer in decode_manifest(each.data).layers]
            if all(kept):
                return each
            if partial is None and any(kept):
                partial = each
        return partial

    def add_document(self, image_id: str, document: Kept) -> None:
        """Keeps a manifest of an image. Idempotent."""
        with self._database.transaction() as connection:
            _add_document(connection, image_id, document)

    def add_digest(self, repository: str, digest: str, image_id: str) -> None:
        """Records by which digest a repository (its full name) has an image."""
        with self._database.transaction() as connection:
            _add_digest(connection, repository, digest, image_id)

    def places(self, digest: str) -> tuple[str, ...]:
        """Repositories (full names) that were seen to have a blob; they may have lost it."""
        rows = self._database.query("SELECT repository FROM blob_places WHERE digest=?", (digest,))
        return tuple(row[0] for row in rows)

    def add_places(self, blobs: Iterable[str], repository: str) -> None:
        """Records that a repository has blobs."""
        with self._database.transaction() as connection:
            _add_places(connection, blobs, repository)


def record(connection: sqlite3.Connection, image_id: str, provenance: Provenance) -> None:
    """Writes all that is known of an image that came; a part of the transaction that adds it.

    What is kept of the layers is needed by them from now on.
    """
    for document in provenance.documents:
        _add_document(connection, image_id, document)
    for digest in provenance.digests:
        _add_digest(connection, provenance.repository, digest, image_id)
    for layer_id, form in provenance.forms:
        _add_form(connection, layer_id, form)
        note_need(connection, (form.digest,), f"layer:{layer_id}")
    _add_places(connection, provenance.blobs, provenance.repository)


def _form(row: Row) -> Form:
    return Form(*row)


def _add_form(connection: sqlite3.Connection, layer_id: str, form: Form) -> None:
    connection.execute(
        "INSERT INTO layer_forms VALUES (?, ?, ?, ?, ?) ON CONFLICT (layer_id, digest)"
        " DO UPDATE SET media_type=excluded.media_type, compressor=excluded.compressor",
        (layer_id, form.digest, form.media_type, form.size, form.compressor),
    )


def _add_document(connection: sqlite3.Connection, image_id: str, document: Kept) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?)",
        (document.digest, image_id, document.media_type, document.data),
    )


def _add_digest(
    connection: sqlite3.Connection, repository: str, digest: str, image_id: str
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO repository_digests VALUES (?, ?, ?)", (repository, digest, image_id)
    )


def _add_places(connection: sqlite3.Connection, blobs: Iterable[str], repository: str) -> None:
    places: Sequence[tuple[str, str]] = [(digest, repository) for digest in blobs]
    connection.executemany("INSERT OR IGNORE INTO blob_places VALUES (?, ?)", places)
    connection.executemany(
        "DELETE FROM blob_places WHERE digest=?1 AND repository NOT IN"
        " (SELECT repository FROM blob_places WHERE digest=?1"
        "  ORDER BY repository=?2 DESC, repository LIMIT ?3)",
        [(*place, _MOST_PLACES) for place in places],
    )
