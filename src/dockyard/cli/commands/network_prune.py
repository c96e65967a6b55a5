"""``network prune``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from dockyard.cli import listing, moments, options
from dockyard.cli import networks_view as view
from dockyard.cli.command import define, with_engine

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network prune")
@options.prune_filters
@options.prune_force
@with_engine
def command(engine: Engine, *, filters: tuple[str, ...], force: bool) -> int:
    """Removes networks that no container is attached to, and prints their names."""
    pairs = listing.split_filters(filters, view.PRUNE_FILTERS)
    until = [value for key, value in pairs if key == "until"]
    before = moments.nanoseconds(until[-1], time.time_ns()) if until else None
    if not options.confirmed(
        "This will remove all custom networks not used by at least one container.", force=force
    ):
        return 1
    wanted = view.select(engine.networks.list(), pairs, (), before)
    removed = engine.networks.prune(wanted)
    if removed:
        click.echo("Deleted Networks:\n" + "\n".join(one.name for one in removed) + "\n")
    return 0
