"""``registry user ls``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import access_view as view
from dockyard.cli import listing, options, registry_access
from dockyard.cli.command import define
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry user ls")
@options.format_option
@option("-q", "--quiet", is_flag=True, help="Only display names")
@registry_access.root
@registry_access.with_manager
def command(manager: Manager, *, form: str | None, quiet: bool) -> None:
    """Lists users by name."""
    users = manager.read().users.values()
    if quiet and form is None:
        listing.put("".join(f"{one.name}\n" for one in users))
        return
    rows = [view.user_row(one, time.time_ns()) for one in users]
    listing.put(listing.list_text(rows, view.USER_TITLES, view.USER_COLUMNS, form,
                                  listing.terminal_width()))  # fmt: skip
