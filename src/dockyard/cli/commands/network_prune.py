"""``network prune``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import networks_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.filters import until

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network prune")
@options.prune_filters
@options.prune_force
@with_engine
def command(engine: Engine, *, filters: tuple[str, ...], force: bool) -> None:
    """Removes networks that no container is attached to, and prints their names."""
    pairs = listing.split_filters(filters, view.PRUNE_FILTERS)
    before = until(pairs, time.time_ns())
    if not options.confirmed(
        "This will remove all custom networks not used by at least one container.", force=force
    ):
        return
    prune(engine, pairs, before)


def prune(engine: Engine, filters: Sequence[tuple[str, str]], before: int | None) -> None:
    """Removes them and prints their names.

    Args:
        before: the moment that ``until`` means; nanoseconds since 1970.
    """
    wanted = view.select(engine.networks.list(), filters, (), before)
    options.tell_deleted("Networks", [one.name for one in engine.networks.prune(wanted)])
