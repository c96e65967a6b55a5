"""``builder du``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import builder_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("builder du")
@option("--filter", "filters", multiple=True, metavar="filter",
        help="Provide filter values")  # fmt: skip
@options.format_option
@option("--verbose", is_flag=True, help="Provide a more verbose output")
@with_engine
def command(engine: Engine, *, filters: tuple[str, ...], form: str | None, verbose: bool) -> None:
    """Lists what builds keep, and sums it up."""
    from dockyard.build.usage import matching

    now = time.time_ns()
    only, unused_since = view.filters(filters, now)
    found = [
        record
        for record in matching(engine.build_cache(), only)
        if unused_since is None or record.used < unused_since
    ]
    if verbose or form == "pretty":
        listing.put(view.verbose(found, now) + view.summary(found))
        return
    plain = not form or form == "table"
    rows = [(view.marked if plain else view.row)(record, now) for record in found]
    width = listing.terminal_width()
    listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width))
    if plain:
        listing.put(view.summary(found))
