"""``network ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import networks_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network ls")
@options.filters
@options.format_option
@options.no_trunc
@option("-q", "--quiet", is_flag=True, help="Only display network IDs")
@with_engine
def command(
    engine: Engine, *, filters: tuple[str, ...], form: str | None, no_trunc: bool, quiet: bool
) -> None:
    """Lists networks by name."""
    pairs = listing.split_filters(filters, view.LS_FILTERS)
    chosen = view.select(engine.networks.list(), pairs, engine.networks.used())
    rows = [view.row(one, cut=not no_trunc) for one in chosen]
    if quiet and form is None:
        form = "{{.ID}}"
    width = listing.terminal_width(cut=not no_trunc)
    listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width))
