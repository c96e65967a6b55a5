"""``image prune``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockyard.cli import images_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("image prune")
@option("-a", "--all", "everything", is_flag=True,
        help="Remove all unused images, not just dangling ones")  # fmt: skip
@options.prune_filters
@options.prune_force
@with_engine
def command(engine: Engine, *, everything: bool, filters: tuple[str, ...], force: bool) -> None:
    """Removes images that no container uses, and prints what went."""
    pairs = listing.split_filters(filters, view.PRUNE_FILTERS)
    everything = everything or view.wants_all(pairs)
    what = (
        "all images without at least one container associated to them"
        if everything
        else "all dangling images"
    )
    moment = time.time_ns()
    if not options.confirmed(f"This will remove {what}.", force=force):
        return
    options.tell_freed(prune(engine, pairs, moment, everything=everything))


def prune(engine: Engine, filters: Sequence[tuple[str, str]], now: int, *, everything: bool) -> int:
    """Removes them and prints what went; bytes freed."""
    images = [one for one in engine.images.list() if everything or not one.names]
    removed, freed = engine.images.prune(view.prunable(images, filters, now))
    options.tell_deleted("Images", [f"{one.kind.lower()}: {one.what}" for one in removed])
    return freed
