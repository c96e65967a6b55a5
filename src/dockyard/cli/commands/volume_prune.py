"""``volume prune``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import volumes_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("volume prune")
@option("-a", "--all", "everything", is_flag=True,
        help="Remove all unused volumes, not just anonymous ones")  # fmt: skip
@option("--filter", "filters", multiple=True, metavar="filter",
        help='Provide filter values (such as "label=<label>")')  # fmt: skip
@option("-f", "--force", is_flag=True, help="Do not prompt for confirmation")
@with_engine
def command(engine: Engine, *, everything: bool, filters: tuple[str, ...], force: bool) -> None:
    """Removes them, and prints their names and how many bytes that freed."""
    pairs = listing.split_filters(filters, view.PRUNE_FILTERS)
    everything = everything or view.wants_all(pairs)
    what = "all local volumes" if everything else "anonymous local volumes"
    if not options.confirmed(
        f"This will remove {what} not used by at least one container.", force=force
    ):
        return
    options.tell_freed(prune(engine, pairs, everything=everything))


def prune(engine: Engine, filters: Sequence[tuple[str, str]], *, everything: bool) -> int:
    """Removes them and prints their names; bytes freed."""
    volumes = [one for one in engine.volumes.list() if everything or one.anonymous]
    pruned = engine.volumes.prune(view.select(volumes, filters, {}))
    options.tell_deleted("Volumes", pruned.names)
    return pruned.size
