"""``batch status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import batch_view as view
from dockyard.cli import listing
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("batch status", "[OPTIONS] BATCH")
@option("--format", "form", metavar="string", help="Format output: 'json', or a Go template")
@option("--shards", is_flag=True, help="List all shards")
@argument("batch")
@with_engine
def command(engine: Engine, *, batch: str, form: str | None, shards: bool) -> None:
    """Shows one batch, and the shards that gave trouble."""
    found = engine.batches.get(batch)
    state, every = engine.batches.state(found), engine.batches.shards(found)
    if form and not shards:
        listing.put(listing.object_text(view.document(found, state, every), form))
        return
    if not shards:
        listing.put(view.summary(found, state, every))
    rows = [view.shard_row(each) for each in every] if shards else view.troubled(every)
    if rows or shards:
        columns = view.SHARD_COLUMNS
        width = listing.terminal_width()
        listing.put(listing.list_text(rows, view.SHARD_TITLES, columns, form, width))
