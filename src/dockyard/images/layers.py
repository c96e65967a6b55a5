"""The layers of a root: directories below ``layers/`` with a record each, and who needs them.

A layer is published (``pending``: its maker may stack it), sealed (``ready``: hashed, synced,
shared) and collected (``deleting``) once no image, cache entry or lease refers to it. The record
is written before the directory appears and goes after it, so a crash at any point leaves a record
that :meth:`LayerStore.collect` finishes. A holder is the name of a lock below ``run/locks``;
records of a holder whose lock is free are void.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from dockyard.errors import NotFound, PermissionMissing, StateError
from dockyard.images.model import STORED, Layer, Times
from dockyard.state.database import Database, Row
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths, unusable
from dockyard.system import files

if TYPE_CHECKING:
    from dockyard.images.sync import Sync

_BY_ID = """
    SELECT id, coalesce(diff_id, chained), size, writer, epoch, times
    FROM layers WHERE id=? AND state='ready'
"""
_BY_DIFF_ID = """
    SELECT id, diff_id, size, writer, epoch, times FROM layers WHERE diff_id=? AND state='ready'
"""
_BY_CHAIN = """
    SELECT id, chained, size, writer, epoch, times
    FROM layers WHERE chained=? AND chain=? AND state='ready'
"""
_CONDEMN_UNREFERENCED = """
    UPDATE layers SET state='deleting', diff_id=NULL, chained=NULL, holder=NULL
    WHERE state='ready'
    AND NOT EXISTS (SELECT 1 FROM image_layers WHERE layer_id = layers.id)
    AND NOT EXISTS (SELECT 1 FROM cache_layers WHERE layer_id = layers.id)
    AND NOT EXISTS (SELECT 1 FROM leases WHERE layer_id = layers.id)
"""


def _ignore(_count: int) -> None:
    """Nobody listens."""


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """A layer from elsewhere, unpacked and verified, before it is among the layers.

    ``chain`` is the chain ID of the layers that it was unpacked above, where it means something
    only there. ``blob`` is a file with its tar, where no writer of ours makes that again.
    """

    directory: str
    diff_id: str
    size: int
    epoch: int
    times: Times
    chain: str | None
    blob: str | None


class LayerStore:
    """Makes, finds and collects layers. Safe for several processes on one root at once."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database

    def publish(
        self,
        directory: str,
        *,
        holder: str,
        epoch: int,
        times: Times,
        writer: int | None = None,
    ) -> str:
        """Moves a finished directory among the layers and returns the new layer's id.

        The holder, whose lock the caller holds, may stack it at once; others can't see it.

        Args:
            directory: on the filesystem of ``layers/``, normalised, and never changed again.
            epoch: seconds since 1970, for the layer's tar.
            writer: the number of that which makes the tar; the current one where ``None``.

        Raises:
            StateError: the directory can't be moved.
        """
        from dockyard.images.tarwriter import CURRENT_WRITER  # only builds make layers

        writer = CURRENT_WRITER if writer is None else writer
        layer_id = os.urandom(8).hex()
        self._database.execute(
            "INSERT INTO layers (id, state, holder, writer, epoch, times)"
            " VALUES (?, 'pending', ?, ?, ?, ?)",
            (layer_id, holder, writer, epoch, times),
        )
        target = self._paths.layer(layer_id)
        try:
            os.rename(directory, target)
        except OSError as error:
            self._database.execute("DELETE FROM layers WHERE id=?", (layer_id,))
            raise unusable(target, error) from error
        return layer_id

    def seal(
        self,
        layer_id: str,
        *,
        synced: bool = False,
        sync: Sync | None = None,
        advance: Callable[[int], object] = _ignore,
    ) -> Layer:
        """Hashes a published layer, brings it to disk, and shares it; leased to its holder.

        Where another layer has the same tar, that one is returned. Ours then stays on disk for
        the mounts of its holder until :meth:`collect`. A sealed layer is returned as it is.

        Args:
            synced: the caller knows that all of the layer is on disk already.
            sync: what brings it there, begun when it was published; else one of its own does.
            advance: gets the number of bytes of each part that was hashed.

        Raises:
            NotFound: there is no such layer, or it was given up.
            StateError: the disk failed, or the directory is not normalised.
        """
        from dockyard.images.tarwriter import diff_id

        row = self._database.query_one(
            "SELECT state, writer, epoch, times FROM layers WHERE id=?", (layer_id,)
        )
        if row is None or row[0] != "pending":
            return self.get(layer_id)
        _, writer, epoch, times = row
        directory = self._paths.layer(layer_id)
        sync = sync or (None if synced else self.sync())
        try:
            digest, size = diff_id(
                directory, epoch=epoch, times=times, writer=writer, advance=advance
            )
        finally:
            if sync is not None:
                sync.wait()
        with self._database.transaction() as connection:
            return _record(connection, layer_id, digest, size)

    def sync(self) -> Sync:
        """Begins to bring to disk what was published so far."""
        from dockyard.images.sync import Sync  # only builds make layers

        return Sync(self._paths.layers)

    def find(self, diff_id_: str, chain: str, holder: str) -> Layer | None:
        """The sealed layer of that digest that may stand on the chain, leased to ``holder``."""
        with self._database.transaction() as connection:
            row = connection.execute(_BY_DIFF_ID, (diff_id_,)).fetchone()
            row = row or connection.execute(_BY_CHAIN, (diff_id_, chain)).fetchone()
            return None if row is None else _lease(connection, holder, row[0])

    def adopt(self, unpacked: Unpacked, *, holder: str) -> Layer:
        """Takes a layer that came from elsewhere; see :meth:`adopt_all`."""
        return self.adopt_all([unpacked], holder=holder)[0]

    def adopt_all(self, unpacked: Sequence[Unpacked], *, holder: str) -> tuple[Layer, ...]:
        """Takes layers that came from elsewhere, digests and all; leased to their holder.

        The filesystem is brought to disk once. Where another process took one of them meanwhile,
        that one is returned.

        Raises:
            StateError: the files can't be moved, or the disk failed.
        """
        ids = [self._move_in(each, holder) for each in unpacked]
        self.sync().wait()
        with self._database.transaction() as connection:
            return tuple(
                _record(connection, layer_id, each.diff_id, each.size, chain=each.chain)
                for layer_id, each in zip(ids, unpacked, strict=True)
            )

    def _move_in(self, unpacked: Unpacked, holder: str) -> str:
        writer = None if unpacked.blob is None else STORED
        layer_id = self.publish(
            unpacked.directory, holder=holder, epoch=unpacked.epoch, times=unpacked.times,
            writer=writer,
        )  # fmt: skip
        if unpacked.blob is not None:
            try:
                os.rename(unpacked.blob, self._paths.blob(layer_id))
            except OSError as error:
                raise unusable(self._paths.blob(layer_id), error) from error
        return layer_id

    def get(self, layer_id: str) -> Layer:
        """The sealed layer with this id.

        Raises:
            NotFound: there is none.
        """
        row = self._database.query_one(_BY_ID, (layer_id,))
        if row is None:
            raise _missing(layer_id)
        return _layer(row)

    def lease(self, holder: str, layer_ids: Iterable[str]) -> None:
        """Keeps sealed layers until :meth:`release` or until the holder's lock is free.

        All or none. The caller holds the holder's lock.

        Raises:
            NotFound: one of them is no sealed layer (any more).
        """
        with self._database.transaction() as connection:
            for layer_id in layer_ids:
                _lease(connection, holder, layer_id)

    def release(self, holder: str) -> None:
        """Drops all leases of a holder."""
        self._database.execute("DELETE FROM leases WHERE holder=?", (holder,))

    def paths_of(self, layers: Iterable[Layer]) -> tuple[str, ...]:
        """The directories of layers, in the order given, as lower directories of an overlay.

        Raises:
            StateError: one is not on disk any more.
        """
        found = tuple(layers)
        for layer in found:
            if not self.on_disk(layer.id):
                raise self._lost(layer.id)
        return tuple(self._paths.layer(layer.id) for layer in found)

    def on_disk(self, layer_id: str) -> bool:
        """False where somebody deleted a layer's directory behind our back."""
        return os.path.isdir(self._paths.layer(layer_id))

    def _lost(self, layer_id: str) -> StateError:
        rows = self._database.query(
            "SELECT DISTINCT image_id FROM image_layers WHERE layer_id=?", (layer_id,)
        )
        images = [row[0].removeprefix("sha256:")[:12] for row in rows]
        owner = f"of the image {', '.join(images)}" if images else "of the build cache"
        again = f"dockyard rmi -f {' '.join(images)}, " if images else ""
        return StateError(
            f"a layer {owner} is missing: {self._paths.layer(layer_id)}",
            hint=f"{again}dockyard builder prune -a, then build, load or bootstrap it again",
        )

    def collect(self, holder: str | None = None) -> int:
        """Deletes the layers that nobody needs and returns the bytes that they held.

        These are sealed ones without image, cache entry or lease, and unsealed or duplicate ones
        whose holder is gone. Unmount what a dead holder left mounted before.

        Args:
            holder: a living holder (the caller) that has unmounted its duplicates too.

        Raises:
            StateError: some can't be deleted; the others are, and the next call tries again.
        """
        with self._dead_holders() as dead:
            doomed = self._condemn(dead, dead if holder is None else [*dead, holder])
        freed = 0
        failure: StateError | PermissionMissing | None = None
        for layer_id, size in doomed:
            if (lock := Lock.try_acquire(f"{self._paths.locks}/layer-{layer_id}.lock")) is None:
                continue  # another one is at it: two would hinder each other
            try:
                freed += self._delete(layer_id, size)
            except OSError as error:
                failure = failure or unusable(self._paths.layer(layer_id), error)
            finally:
                lock.release(remove=True)
        if failure is not None:
            raise failure
        return freed

    @contextlib.contextmanager
    def _dead_holders(self) -> Iterator[list[str]]:
        """Holders in the records that no process embodies; their locks are held meanwhile."""
        rows = self._database.query(
            "SELECT holder FROM leases UNION SELECT holder FROM layers"
            " WHERE holder IS NOT NULL AND state IN ('pending', 'deleting')"
        )
        with contextlib.ExitStack() as stack:
            dead: list[str] = []
            for (name,) in rows:
                lock = Lock.try_acquire(f"{self._paths.locks}/{name}.lock")
                if lock is not None:
                    stack.callback(lock.release, remove=True)
                    dead.append(name)
            yield dead

    def _condemn(self, dead: Sequence[str], unmounted: Sequence[str]) -> list[tuple[str, int]]:
        """Marks what has to go; from then on nobody finds it. Returns ids and sizes."""
        with self._database.transaction() as connection:
            for name in dead:
                connection.execute("DELETE FROM leases WHERE holder=?", (name,))
                connection.execute(
                    "UPDATE layers SET state='deleting' WHERE state='pending' AND holder=?",
                    (name,),
                )
            for name in unmounted:
                connection.execute(
                    "UPDATE layers SET holder=NULL WHERE state='deleting' AND holder=?", (name,)
                )
            connection.execute(_CONDEMN_UNREFERENCED)
            return connection.execute(
                "SELECT id, size FROM layers WHERE state='deleting' AND holder IS NULL"
            ).fetchall()

    def _delete(self, layer_id: str, size: int) -> int:
        path = self._paths.layer(layer_id)
        held = size or files.tree_size(path)
        try:
            files.remove_tree(path)
        except PermissionError:
            from dockyard.images.flags import clear_flags_below

            clear_flags_below(path)
            files.remove_tree(path)
        held += self._delete_blobs(layer_id)
        gone = self._database.execute(
            "DELETE FROM layers WHERE id=? AND state='deleting'", (layer_id,)
        )
        return held if gone else 0

    def _delete_blobs(self, layer_id: str) -> int:
        """What it came as is kept with the layer, and not longer; the bytes that this frees."""
        freed = 0
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(self._paths.blob(layer_id))
            os.unlink(self._paths.blob(layer_id))
            freed = status.st_size if status.st_nlink == 1 else 0
        owner = f"layer:{layer_id}"
        if self._database.query_one("SELECT 1 FROM content WHERE owner=?", (owner,)):
            from dockyard.images.content import ContentStore

            freed += ContentStore(self._paths, self._database).release(owner)
        return freed


def _record(
    connection: sqlite3.Connection, layer_id: str, digest: str, size: int, chain: str | None = None
) -> Layer:
    """Makes a pending layer ready, or gives it up for the one that has its digest."""
    row = connection.execute(
        "SELECT holder FROM layers WHERE id=? AND state='pending'", (layer_id,)
    ).fetchone()
    if row is None:
        raise _missing(layer_id)
    query, by = (_BY_DIFF_ID, (digest,)) if chain is None else (_BY_CHAIN, (digest, chain))
    same = connection.execute(query, by).fetchone()
    if same is not None:
        connection.execute(
            "UPDATE layers SET state='deleting', size=? WHERE id=?", (size, layer_id)
        )
    elif chain is None:
        connection.execute(
            "UPDATE layers SET state='ready', diff_id=?, size=?, holder=NULL WHERE id=?",
            (digest, size, layer_id),
        )
    else:
        connection.execute(
            "UPDATE layers SET state='ready', chained=?, chain=?, size=?, holder=NULL WHERE id=?",
            (digest, chain, size, layer_id),
        )
    kept: str = layer_id if same is None else same[0]
    return _lease(connection, row[0], kept)


def _lease(connection: sqlite3.Connection, holder: str, layer_id: str) -> Layer:
    row = connection.execute(_BY_ID, (layer_id,)).fetchone()
    if row is None:
        raise _missing(layer_id)
    connection.execute("INSERT OR IGNORE INTO leases VALUES (?, ?)", (holder, layer_id))
    return _layer(row)


def _layer(row: Row) -> Layer:
    layer_id, digest, size, writer, epoch, times = row
    return Layer(id=layer_id, diff_id=digest, size=size, writer=writer, epoch=epoch, times=times)


def _missing(layer_id: str) -> NotFound:
    return NotFound(
        f"the layer {layer_id} does not exist any more",
        hint="another command removed it meanwhile; run this one again",
        reference="no-such-layer",
    )
