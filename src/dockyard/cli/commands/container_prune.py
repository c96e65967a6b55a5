"""``container prune``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from dockyard.cli import containers_filter as chosen
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.units import decimal_size

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("container prune")
@options.prune_filters
@options.prune_force
@with_engine
def command(engine: Engine, *, filters: tuple[str, ...], force: bool) -> int:
    """Removes stopped containers, and prints their ids and how many bytes that freed."""
    pairs = listing.split_filters(filters, chosen.PRUNE_KEYS)
    moment = time.time_ns()
    if not options.confirmed("This will remove all stopped containers.", force=force):
        return 1
    wanted = chosen.prunable(engine.containers.all(), pairs, moment)
    removed, freed = engine.containers.prune(wanted)
    if removed:
        click.echo("Deleted Containers:\n" + "\n".join(removed) + "\n")
    click.echo(f"Total reclaimed space: {decimal_size(freed)}")
    return 0
