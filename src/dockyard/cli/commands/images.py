"""``images``."""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING

from dockyard.cli import images_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("images", "[OPTIONS] [REPOSITORY[:TAG]]")
@option("-a", "--all", "everything", is_flag=True,
        help="Show all images (there are no hidden ones)")  # fmt: skip
@options.filters
@options.format_option
@options.no_trunc
@option("-q", "--quiet", is_flag=True, help="Only show image IDs")
@option("--digests", is_flag=True, help="Show digests")
@argument("name", required=False)
@with_engine
def command(
    engine: Engine,
    name: str | None,
    *,
    digests: bool,
    everything: bool,  # noqa: ARG001  # Docker has intermediate images to hide; Dockyard has none
    filters: tuple[str, ...],
    form: str | None,
    no_trunc: bool,
    quiet: bool,
) -> None:
    """Lists images, the latest built first."""
    pairs = listing.split_filters(filters, view.FILTERS)
    now = time.time_ns()
    images = view.select(engine.images.list(), pairs, name, now)
    counts = collections.Counter(one.image_id for one in engine.containers.all())
    rows = view.rows(images, now, counts, cut=not no_trunc)
    if quiet and form is None:
        for image_id in dict.fromkeys(row["ID"] for row in rows):
            say(image_id)
        return
    width = listing.terminal_width(cut=not no_trunc)
    listing.put(listing.list_text(rows, view.TITLES, view.columns(digests=digests), form, width))
