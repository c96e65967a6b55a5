"""``builder prune``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dockyard.arguments import parse_size
from dockyard.cli import builder_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option
from dockyard.cli.units import decimal_size

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("builder prune")
@option("-a", "--all", "everything", is_flag=True,
        help="Remove all build cache, not just what no image uses")  # fmt: skip
@option("--filter", "filters", multiple=True, metavar="filter",
        help='Provide filter values (e.g., "until=24h")')  # fmt: skip
@option("-f", "--force", is_flag=True, help="Do not prompt for confirmation")
@option("--keep-storage", metavar="bytes", read=parse_size, hidden=True,
        help="The old name of --reserved-space")  # fmt: skip
@option("--max-used-space", metavar="bytes", read=parse_size,
        help="Maximum amount of disk space allowed to keep for cache")  # fmt: skip
@option("--min-free-space", metavar="bytes", read=parse_size,
        help="Target amount of free disk space after pruning")  # fmt: skip
@option("--reserved-space", metavar="bytes", read=parse_size,
        help="Amount of disk space always allowed to keep for cache")  # fmt: skip
@option("--verbose", is_flag=True, help="Provide a more verbose output")
@with_engine
def command(
    engine: Engine,
    /,
    *, everything: bool, filters: tuple[str, ...], force: bool, verbose: bool,
    **sizes: Any,
) -> None:  # fmt: skip
    """Removes what later builds could have reused; lists it, and how many bytes that freed."""
    from dockyard.build.usage import Policy

    now = time.time_ns()
    only, unused_since = view.filters(filters, now)
    what = "all build cache" if everything else "all dangling build cache"
    if not options.confirmed(f"This will remove {what}.", force=force):
        return
    pruned = engine.prune_build_cache(
        Policy(
            everything=everything,
            unused_since=unused_since,
            only=only,
            reserved=sizes["reserved_space"] or sizes["keep_storage"] or 0,
            most=sizes["max_used_space"] or 0,
            free=sizes["min_free_space"] or 0,
        )
    )
    if verbose:
        listing.put(view.verbose(pruned.records, now))
    else:
        listing.put(view.pruned(pruned.records, now, listing.terminal_width()))
    listing.put(f"Total:\t{decimal_size(pruned.freed, view.DIGITS)}\n")
