"""``registry token ls``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import access_view as view
from dockyard.cli import listing, options, registry_access
from dockyard.cli.command import define
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry token ls")
@options.format_option
@option("-q", "--quiet", is_flag=True, help="Only display names")
@registry_access.root
@registry_access.with_manager
def command(manager: Manager, *, form: str | None, quiet: bool) -> None:
    """Lists robots by name: what each may, until when, and when it was last here."""
    robots = manager.read().robots.values()
    if quiet and form is None:
        listing.put("".join(f"{one.name}\n" for one in robots))
        return
    rows = [view.robot_row(one, time.time_ns()) for one in robots]
    listing.put(listing.list_text(rows, view.ROBOT_TITLES, view.ROBOT_COLUMNS, form,
                                  listing.terminal_width()))  # fmt: skip
