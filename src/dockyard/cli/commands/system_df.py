"""``system df``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import usage_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("system df")
@options.format_option
@option("-v", "--verbose", is_flag=True, help="Show detailed information on space usage")
@with_engine
def command(engine: Engine, *, form: str | None, verbose: bool) -> None:
    """Sums up what images, containers, volumes and build cache take, or lists them."""
    usage = engine.disk_usage()
    now = time.time_ns()
    width = listing.terminal_width()
    if not verbose:
        rows = [view.row(one) for one in usage.summary()]
        listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width))
    elif form:
        listing.put(listing.object_text(view.document(usage, now), form))
    else:
        listing.put(view.verbose(usage, now, width))
