"""``volume ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import volumes_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("volume ls")
@options.filters
@options.format_option
@option("-q", "--quiet", is_flag=True, help="Only display volume names")
@option("-s", "--size", "sized", is_flag=True,
        help="Show how many containers use each, and its size")  # fmt: skip
@with_engine
def command(
    engine: Engine, *, filters: tuple[str, ...], form: str | None, quiet: bool, sized: bool
) -> None:
    """Lists volumes by name."""
    pairs = listing.split_filters(filters, view.LS_FILTERS)
    volumes = engine.volumes.list()
    links = {one.name: len(engine.volumes.users(one.name)) for one in volumes}
    chosen = view.select(volumes, pairs, links)
    if quiet and form is None:
        listing.put("".join(f"{one.name}\n" for one in chosen))
        return
    wanted = sized or ".Size" in (form or "")
    rows = [
        view.row(one, links[one.name], engine.volumes.size(one)) if wanted else view.row(one)
        for one in chosen
    ]
    columns = view.SIZED_COLUMNS if sized else view.COLUMNS
    width = listing.terminal_width()
    listing.put(listing.list_text(rows, view.TITLES, columns, form, width))
