"""``container prune``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockyard.cli import containers_filter as chosen
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("container prune")
@options.prune_filters
@options.prune_force
@with_engine
def command(engine: Engine, *, filters: tuple[str, ...], force: bool) -> None:
    """Removes stopped containers, and prints their ids and how many bytes that freed."""
    pairs = listing.split_filters(filters, chosen.PRUNE_KEYS)
    moment = time.time_ns()
    if not options.confirmed("This will remove all stopped containers.", force=force):
        return
    options.tell_freed(prune(engine, pairs, moment))


def prune(engine: Engine, filters: Sequence[tuple[str, str]], now: int) -> int:
    """Removes them and prints their ids; bytes freed."""
    wanted = chosen.prunable(engine.containers.all(), filters, now)
    removed, freed = engine.containers.prune(wanted)
    options.tell_deleted("Containers", removed)
    return freed
