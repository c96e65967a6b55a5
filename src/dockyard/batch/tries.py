"""What a try is made with, whichever way a container gets its records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from dockyard.batch import ids
from dockyard.batch.cost import Meter
from dockyard.batch.journal import Journal
from dockyard.batch.model import Batch
from dockyard.batch.notes import Notes
from dockyard.batch.staging import Staged
from dockyard.batch.watch import Watch
from dockyard.errors import DiskFull, DockyardError, RunError
from dockyard.images.model import Image

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_NOT_THERE = frozenset({126, 127})


class Proof:
    """A record that a server of the batch has answered: one that fails at it isn't well."""

    def __init__(self) -> None:
        self.position: int | None = None


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What all tries of a batch share."""

    engine: Engine
    batch: Batch
    image: Image
    staged: Staged
    watch: Watch
    meter: Meter
    proof: Proof = msgspec.field(default_factory=Proof)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Where a try of one shard writes."""

    journal: Journal
    notes: Notes

    def left(self, positions: Iterable[int]) -> tuple[int, ...]:
        """Those of the records that have no outcome."""
        return tuple(each for each in positions if each not in self.journal)


def own_id(line: bytes, field: str) -> ids.Id:
    """The id of a record that was staged."""
    record: dict[str, Any] = msgspec.json.decode(line)
    found: ids.Id = record[field]
    return found


def is_hopeless(error: DockyardError) -> bool:
    """Whether a container that can't be started never will be, whatever its records."""
    if isinstance(error, RunError):
        return error.exit_code in _NOT_THERE
    return error.http_status < 500 or isinstance(error, DiskFull)
