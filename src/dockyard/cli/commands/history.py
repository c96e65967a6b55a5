"""``history``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import history_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.images import platforms

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("history", "[OPTIONS] IMAGE")
@options.format_option
@option("-H", "--human", is_flag=True, default=True,
        help="Print sizes and dates in human readable format (default true)")  # fmt: skip
@options.no_trunc
@option("-q", "--quiet", is_flag=True, help="Only show image IDs")
@option(
    "--platform", metavar="string", help="Show the history of this platform (os/arch[/variant])"
)
@argument("name")
@with_engine
def command(
    engine: Engine,
    name: str,
    *,
    form: str | None,
    human: bool,
    no_trunc: bool,
    quiet: bool,
    platform: str | None,
) -> None:
    """Shows the history of an image, the latest first."""
    image = engine.resolve(name)
    platforms.require(image.config, name, platform)
    rows = view.rows(image, time.time_ns(), cut=not no_trunc, human=human)
    if quiet and form is None:
        for row in rows:
            say(row["ID"])
        return
    width = listing.terminal_width(cut=not no_trunc)
    listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width))
