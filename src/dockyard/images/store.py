"""The images of a root: configurations and names in the database, layers by reference."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from dockyard import decoding
from dockyard.errors import Conflict, ContentMismatch, InvalidInput, NotFound
from dockyard.images.layers import LayerStore
from dockyard.images.model import Image, Layer
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.oci import digest as digests
from dockyard.oci.image import ImageConfig, decode_config
from dockyard.oci.reference import Reference, require_text
from dockyard.state.database import Database, Row
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths

if TYPE_CHECKING:
    from dockyard.images.removal import Removed

_SELECT = """
    SELECT id, config, built, size,
        (SELECT json_group_array(name)
         FROM (SELECT name FROM names WHERE image_id = images.id ORDER BY name)),
        (SELECT json_group_array(json_object(
            'id', id, 'diff_id', coalesce(diff_id, chained), 'size', size,
            'writer', writer, 'epoch', epoch, 'times', times))
         FROM (SELECT layers.* FROM image_layers JOIN layers ON layers.id = layer_id
               WHERE image_id = images.id ORDER BY position)),
        (SELECT json_group_array(name)
         FROM (SELECT repository || '@' || digest AS name FROM repository_digests
               WHERE image_id = images.id ORDER BY name))
    FROM images
"""
"""One statement, so that names and layers are of one moment."""

_MIN_PREFIX = 2
_HEX = frozenset("0123456789abcdef")


class Resolution(msgspec.Struct, frozen=True):
    """What a user's text turned out to mean.

    ``reference`` is the stored name, ``None`` where he gave an id; ``note`` is to be shown to him.
    """

    image: Image
    reference: Reference | None = None
    note: str | None = None


class ImageStore:
    """Adds, finds, names and removes images. Safe for several processes on one root at once."""

    def __init__(self, paths: Paths, database: Database, layers: LayerStore) -> None:
        self._paths = paths
        self._database = database
        self._layers = layers

    def add(
        self,
        config_bytes: bytes,
        layer_ids: Sequence[str],
        *,
        built: int,
        names: Iterable[Reference] = (),
        action: str | None = "create",
        also: Callable[[sqlite3.Connection], object] | None = None,
    ) -> Image:
        """Records an image, and moves ``names`` to it, in one transaction. Idempotent.

        An image that exists keeps its first ``built``.

        Args:
            config_bytes: the configuration, kept byte for byte.
            layer_ids: sealed layers that the caller has leased, base first.
            built: when it was made, in nanoseconds since 1970; 0 where that isn't known.
            action: Docker's word for how it came (``create``, ``load``, ``import``), for the
                event; ``None`` where another word for it is told.
            also: writes what belongs to it, in the same transaction.

        Raises:
            ContentMismatch: the configuration names other layers than these.
            InvalidInput: the bytes are no image configuration.
            NotFound: a layer is not there, or not sealed.
        """
        config = _parse(config_bytes)
        image_id = digests.of(config_bytes)
        layers = tuple(self._layers.get(layer_id) for layer_id in layer_ids)
        _check_layers(image_id, config, layers)
        size = sum(layer.size for layer in layers)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO images (id, config, built, size) VALUES (?, ?, ?, ?)",
                (image_id, config_bytes, built, size),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO image_layers (image_id, position, layer_id)"
                " VALUES (?, ?, ?)",
                [(image_id, position, layer_id) for position, layer_id in enumerate(layer_ids)],
            )
            for name in names:
                _point(connection, name, image_id)
                events.write(connection, event_of("tag", image_id, name.familiar))
            if action is not None:
                events.write(connection, event_of(action, image_id))
            if also is not None:
                also(connection)
        return self.get(image_id)

    def has(self, image_id: str) -> bool:
        """Whether there is an image with this full id."""
        return bool(self._database.query("SELECT 1 FROM images WHERE id=?", (image_id,)))

    def get(self, image_id: str) -> Image:
        """The image with this full id.

        Raises:
            NotFound: there is none.
        """
        images = self._load("WHERE id=?", (image_id,))
        if not images:
            raise _no_such_id(image_id)
        return images[0]

    def find(self, text: str) -> Image:
        """The image that ``text`` means; see :meth:`resolve`."""
        return self.resolve(text).image

    def resolve(self, text: str) -> Resolution:
        """What ``text`` means: a full id, else a name by the rules of names, else a short id.

        A short id has two digits or more, as Docker's, with or without ``sha256:``.

        Raises:
            NotFound: no image; the hint says what would get it.
            InvalidInput: neither an id nor a valid name, or a short id that fits several images.
        """
        if digests.is_digest(require_text(text, "an image's name or id")):
            return Resolution(self.get(text))
        if not text.startswith(digests.PREFIX) and not _is_full_hex(text):
            by_name = self._by_name(text)
            if by_name is not None:
                return by_name
        image_id = self._by_prefix(text.removeprefix(digests.PREFIX))
        if image_id is None:
            from dockyard.images import resolve

            by_id = text.startswith(digests.PREFIX) or _is_full_hex(text)
            raise _no_such_id(text) if by_id else resolve.not_found(text)
        return Resolution(self.get(image_id))

    @contextlib.contextmanager
    def held(self, images: Iterable[Image]) -> Iterator[None]:
        """Keeps the layers of images while they are read, whatever others remove meanwhile.

        Raises:
            NotFound: a layer went before.
        """
        holder = f"images-{os.urandom(6).hex()}"
        with Lock.acquire(f"{self._paths.locks}/{holder}.lock") as lock:
            self._layers.lease(holder, {layer.id for image in images for layer in image.layers})
            try:
                yield
            finally:
                self._layers.release(holder)
                lock.release(remove=True)

    def blob_of(self, layer: Layer) -> str:
        """The file with the tar of a layer that is :data:`~dockyard.images.model.STORED`."""
        return self._paths.blob(layer.id)

    def directories(self, image: Image) -> tuple[str, ...]:
        """The directories of an image's layers, base first."""
        return self._layers.paths_of(image.layers)

    def tag(self, image: Image | str, name: Reference | str) -> None:
        """Gives an image a name; another image that had it keeps existing without it.

        Args:
            image: itself, its id or a name.

        Raises:
            NotFound: there is no such image.
            InvalidInput: the name is none, or one by digest.
        """
        name = name if isinstance(name, Reference) else Reference.parse(name)
        image_id = image.id if isinstance(image, Image) else self.find(image).id
        with self._database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM images WHERE id=?", (image_id,)).fetchone():
                raise _no_such_id(image_id)
            _point(connection, name, image_id)
            events.write(connection, event_of("tag", image_id, name.familiar))

    def tell(self, action: str, image: Image) -> None:
        """Writes an event of an image that changes nothing: ``save``."""
        with self._database.transaction() as connection:
            events.write(connection, event_of(action, image.id))

    def list(self) -> tuple[Image, ...]:
        """All images, those without a name too, the latest built first."""
        return self._load("ORDER BY built DESC, id")

    def remove(self, text: str, *, force: bool = False) -> tuple[Removed, ...]:
        """Removes a name or an image as Docker's ``rmi`` does, then the layers nobody needs.

        Raises:
            NotFound: no image is meant by ``text``.
            Conflict: containers use the image, or it has names in several repositories.
        """
        from dockyard.images import removal, resolve, untagging

        resolution = self.resolve(text)
        image_id = resolution.image.id
        with self._database.transaction() as connection:
            subject = untagging.subject_of(connection, image_id)
            known = (*subject.names, *subject.digests)
            if resolution.reference is not None and resolution.reference not in known:
                raise resolve.not_found(text)  # another command moved the name meanwhile
            todo = removal.decide(subject, resolution.reference, force=force)
            for name in todo.untag:
                untagging.drop(connection, name)
                events.write(connection, event_of("untag", image_id))
            if todo.delete:
                connection.execute("DELETE FROM images WHERE id=?", (image_id,))
                events.write(connection, event_of("delete", image_id))
        removed = tuple(removal.Removed("Untagged", name.familiar) for name in todo.untag)
        if todo.delete:
            self._layers.collect()
            removed += (removal.Removed("Deleted", image_id),)
        return removed

    def prune(self, images: Iterable[Image]) -> tuple[tuple[Removed, ...], int]:
        """Removes images with all their names, but those that a container uses.

        Returns:
            What went, and the bytes that it held.
        """
        from dockyard.images import untagging

        removed: list[Removed] = []
        for image in images:
            with contextlib.suppress(Conflict, NotFound), self._database.transaction() as changes:
                removed += untagging.remove_unused(changes, image)
        freed = self._layers.collect()
        events.record(self._database, "image", "prune", "", {"reclaimed": str(freed)})
        return tuple(removed), freed

    def discard(self, image: Image) -> None:
        """Removes an image made without a name, unless it got one or somebody uses it."""
        from dockyard.images import untagging

        with self._database.transaction() as connection:
            untagging.remove_unused(connection, msgspec.structs.replace(image, names=()))
        self._layers.collect()

    def descendants(self, text: str) -> frozenset[str]:
        """Ids of the image that ``text`` means and of those whose layers begin with its own.

        None where there is no such image.
        """
        try:
            ancestor = self.find(text)
        except (NotFound, InvalidInput):
            return frozenset()
        below = tuple(layer.id for layer in ancestor.layers)
        return frozenset(
            image.id
            for image in self.list()
            if image.id == ancestor.id
            or (below and tuple(layer.id for layer in image.layers[: len(below)]) == below)
        )

    def _by_name(self, text: str) -> Resolution | None:
        from dockyard.images import resolve  # not for those who have an id, as exec

        for candidate in resolve.candidates(text):
            row = self._database.query_one(*_lookup(candidate.reference))
            image = None if row is None else self.get(row[0])
            if image is not None and candidate.admits(image):
                return Resolution(image, _without_tag(candidate.reference), candidate.note)
        return None

    def _by_prefix(self, prefix: str) -> str | None:
        if len(prefix) < _MIN_PREFIX or not _HEX.issuperset(prefix):
            return None
        start = digests.PREFIX + prefix
        rows = self._database.query(
            "SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2", (start, f"{start}g")
        )
        if len(rows) > 1:
            raise InvalidInput(
                f"image id {prefix} is ambiguous",
                hint="give more digits (dockyard images --no-trunc shows all)",
                reference="ambiguous-id",
            )
        return rows[0][0] if rows else None

    def _load(self, clause: str, parameters: Sequence[object] = ()) -> tuple[Image, ...]:
        rows = self._database.query(f"{_SELECT} {clause}", parameters)
        return tuple(_image(row) for row in rows)


def event_of(action: str, image_id: str, name: str | None = None) -> Event:
    """An image's event; only tags name it, as in Docker."""
    attributes = {"name": image_id if name is None else name}
    return Event(type="image", action=action, actor=image_id, attributes=attributes)


def _image(row: Row) -> Image:
    image_id, config, built, size, names, layers, by_digest = row
    return Image(
        id=image_id,
        config=decode_config(config),
        config_bytes=config,
        layers=decoding.from_json(layers, tuple[Layer, ...]),
        names=decoding.from_json(names, tuple[str, ...]),
        built=built,
        size=size,
        digests=decoding.from_json(by_digest, tuple[str, ...]),
    )


def _lookup(name: Reference) -> tuple[str, tuple[str, ...]]:
    """What finds the image of a name; a digest counts for more than a tag."""
    if name.digest is None:
        return "SELECT image_id FROM names WHERE name=?", (str(name),)
    return (
        "SELECT image_id FROM repository_digests WHERE repository=? AND digest=?",
        (name.repository, name.digest),
    )


def _without_tag(name: Reference) -> Reference:
    return name if name.digest is None else msgspec.structs.replace(name, tag=None)


def _parse(config_bytes: bytes) -> ImageConfig:
    try:
        return decode_config(config_bytes)
    except ContentMismatch as error:
        raise InvalidInput(error.message, hint=error.hint, reference="bad-image-config") from error


def _check_layers(image_id: str, config: ImageConfig, layers: Sequence[Layer]) -> None:
    wanted = config.rootfs.diff_ids
    given = tuple(layer.diff_id for layer in layers)
    if wanted != given:
        raise ContentMismatch(
            f"the configuration of image {digests.short(image_id)} names other layers",
            context=f"it names {', '.join(wanted) or 'none'}; given: {', '.join(given) or 'none'}",
        )


def _point(connection: sqlite3.Connection, name: Reference, image_id: str) -> None:
    if name.digest is not None or name.tag is None:
        raise InvalidInput(f"{name.familiar} is a name by digest", hint="a tag is REPOSITORY[:TAG]")
    connection.execute(
        "INSERT INTO names (name, image_id) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id",
        (str(name), image_id),
    )


def _is_full_hex(text: str) -> bool:
    return len(text) == 64 and _HEX.issuperset(text)


def _no_such_id(text: str) -> NotFound:
    return NotFound(
        f"No such image: {text}",
        hint="dockyard images lists the images there are",
        reference="no-such-image",
    )
