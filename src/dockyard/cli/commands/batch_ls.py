"""``batch ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import batch_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("batch ls")
@options.format_option
@option("-q", "--quiet", is_flag=True, help="Only display batch IDs")
@with_engine
def command(engine: Engine, *, form: str | None, quiet: bool) -> None:
    """Lists batches, the newest first."""
    rows = [view.row(one, engine.batches.state(one)) for one in engine.batches.list()]
    if quiet and form is None:
        form = "{{.ID}}"
    width = listing.terminal_width()
    listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width))
