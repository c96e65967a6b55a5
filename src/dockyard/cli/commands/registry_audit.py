"""``registry audit``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import access_view as view
from dockyard.cli import listing, options, registry_access
from dockyard.cli.command import define
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry audit")
@options.filters
@options.format_option
@option("--since", metavar="time", help="Show what was since a time, such as 2h or a date")
@registry_access.root
@registry_access.with_manager
def command(
    manager: Manager, *, filters: tuple[str, ...], form: str | None, since: str | None
) -> None:
    """Lists what the audit log has, the oldest first."""
    from dockyard.cli.moments import parse_moment
    from dockyard.registry.access import choosing

    pairs = listing.split_filters(filters, choosing.KINDS)
    earliest = parse_moment(since, time.time_ns()) if since is not None else ""
    rows = [view.event_row(one) for one in choosing.select(manager.events(), pairs, earliest)]
    listing.put(listing.list_text(rows, view.EVENT_TITLES, view.EVENT_COLUMNS, form,
                                  listing.terminal_width()))  # fmt: skip
