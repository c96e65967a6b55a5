"""``events``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import events_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option
from dockyard.cli.moments import nanoseconds
from dockyard.observability import event_filter

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("events", "[OPTIONS]")
@options.filters
@options.format_option
@option("--since", metavar="string", help="Show all events created since timestamp")
@option("--until", metavar="string", help="Stream events until this timestamp")
@with_engine
def command(
    engine: Engine,
    *,
    filters: tuple[str, ...],
    form: str | None,
    since: str | None,
    until: str | None,
) -> None:
    """Prints what happened since a moment, and what happens, until a moment or Ctrl-C."""
    wanted = event_filter.make_filter(listing.split_filters(filters, event_filter.KEYS))
    now = time.time_ns()
    begin = None if since is None else nanoseconds(since, now)
    end = None if until is None else nanoseconds(until, now)
    for event in engine.events(since=begin, until=end):
        if wanted.matches(event):
            listing.put(view.formatted(event, form))
