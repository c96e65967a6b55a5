"""``registry policy ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import access_view as view
from dockyard.cli import listing, options, registry_access
from dockyard.cli.command import define

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry policy ls")
@options.format_option
@registry_access.root
@registry_access.with_manager
def command(manager: Manager, *, form: str | None) -> None:
    """Lists the rules: what none of them allows is forbidden."""
    rows = [view.rule_row(one) for one in manager.read().rules]
    listing.put(listing.list_text(rows, view.RULE_TITLES, view.RULE_COLUMNS, form,
                                  listing.terminal_width()))  # fmt: skip
