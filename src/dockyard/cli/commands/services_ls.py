"""``services``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import services_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("services ls")
@options.format_option
@option("-q", "--quiet", is_flag=True, help="Only display the services' names")
@with_engine
def command(engine: Engine, *, form: str | None, quiet: bool) -> None:
    """Lists the services that are served, with their variants."""
    found = engine.services.all()
    if quiet and form is None:
        names = dict.fromkeys(f"{one.service.project}/{one.service.name}" for one in found)
        listing.put("".join(f"{name}\n" for name in names))
        return
    rows = [view.row(one) for one in found]
    width = listing.terminal_width()
    listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width,
                                  first=("Reason", "Route")))  # fmt: skip
