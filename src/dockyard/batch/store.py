"""The records of batches and of their shards."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dockyard import decoding
from dockyard.batch.model import Batch, Shard
from dockyard.errors import InvalidInput, NotFound
from dockyard.state.database import Database


class BatchStore:
    """Reads and writes :class:`Batch` and :class:`Shard` records. Every method is one step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batch: Batch) -> None:
        """Inserts a new batch."""
        self._database.execute(
            "INSERT INTO batches (id, created, record) VALUES (?, ?, ?)",
            (batch.id, batch.created, msgspec.json.encode(batch)),
        )

    def put(self, batch: Batch, *, durable: bool = True) -> None:
        """Replaces a batch's record.

        Args:
            durable: see :meth:`dockyard.state.database.Database.transaction`.
        """
        with self._database.transaction(durable=durable) as connection:
            connection.execute(
                "UPDATE batches SET record=? WHERE id=?", (msgspec.json.encode(batch), batch.id)
            )

    def begin(self, batch: Batch, shards: Iterable[Shard]) -> None:
        """Notes that a batch is split, and into which shards."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM batch_shards WHERE batch=?", (batch.id,))
            connection.executemany(
                "INSERT INTO batch_shards (batch, number, record) VALUES (?, ?, ?)",
                ((batch.id, each.number, msgspec.json.encode(each)) for each in shards),
            )
            connection.execute(
                "UPDATE batches SET record=? WHERE id=?",
                (msgspec.json.encode(batch), batch.id),
            )

    def put_shard(self, batch_id: str, shard: Shard) -> None:
        """Replaces a shard's record."""
        self._database.execute(
            "UPDATE batch_shards SET record=? WHERE batch=? AND number=?",
            (msgspec.json.encode(shard), batch_id, shard.number),
        )

    def shards(self, batch_id: str) -> list[Shard]:
        """A batch's shards in their order."""
        rows = self._database.query(
            "SELECT record FROM batch_shards WHERE batch=? ORDER BY number", (batch_id,)
        )
        return [decoding.from_json(row[0], Shard) for row in rows]

    def all(self) -> list[Batch]:
        """All batches, the newest first."""
        rows = self._database.query("SELECT record FROM batches ORDER BY created DESC")
        return [decoding.from_json(row[0], Batch) for row in rows]

    def get(self, batch_id: str) -> Batch | None:
        """A batch by its whole id."""
        row = self._database.query_one("SELECT record FROM batches WHERE id=?", (batch_id,))
        return None if row is None else decoding.from_json(row[0], Batch)

    def find(self, text: str) -> Batch:
        """A batch by its id, or the beginning of it.

        Raises:
            NotFound: there is none.
            InvalidInput: there are several.
        """
        rows = self._database.query(
            "SELECT record FROM batches WHERE substr(id, 1, ?)=?", (len(text), text)
        )
        if not text or not rows:
            raise NotFound(
                f"no such batch: {text}", hint="dockyard batch ls lists them",
                reference="no-such-batch",
            )  # fmt: skip
        if len(rows) > 1:
            raise InvalidInput(
                f"several batches begin with {text}", hint="give more of the id (batch ls)"
            )
        return decoding.from_json(rows[0][0], Batch)

    def ask_to_cancel(self, batch_id: str, *, cancel: bool = True) -> None:
        """Asks whoever runs a batch to end; or takes that back."""
        self._database.execute("UPDATE batches SET canceling=? WHERE id=?", (int(cancel), batch_id))

    def is_canceling(self, batch_id: str) -> bool:
        """Whether somebody asked for the batch's end, or removed it."""
        row = self._database.query_one("SELECT canceling FROM batches WHERE id=?", (batch_id,))
        return row is None or bool(row[0])

    def remove(self, batch_id: str) -> None:
        """Forgets a batch and its shards."""
        self._database.execute("DELETE FROM batches WHERE id=?", (batch_id,))
