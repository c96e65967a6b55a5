"""``batch logs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option, whole_number

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("batch logs", "[OPTIONS] BATCH")
@option("--shard", read=whole_number, metavar="int", help="Only of this shard")
@argument("batch")
@with_engine
def command(engine: Engine, *, batch: str, shard: int | None) -> None:
    """Prints what the containers of a batch wrote to standard error, by shard."""
    for data in engine.batches.logs(batch, shard=shard):
        listing.put(data.decode(errors="replace"))
