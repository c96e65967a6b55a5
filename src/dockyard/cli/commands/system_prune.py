"""``system prune``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.commands import (
    container_prune,
    image_prune,
    model_prune,
    network_prune,
    volume_prune,
)
from dockyard.cli.filters import until
from dockyard.cli.line import option
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine

Filters = Sequence[tuple[str, str]]
_KEYS = ("label", "label!", "until")


@define("system prune")
@option("-a", "--all", "everything", is_flag=True,
        help="Remove all unused images not just dangling ones")  # fmt: skip
@options.prune_filters
@options.prune_force
@option("--volumes", is_flag=True, help="Prune anonymous volumes")
@with_engine
def command(
    engine: Engine, *, everything: bool, filters: tuple[str, ...], force: bool, volumes: bool
) -> None:
    """Removes what nothing uses, and prints what went and how many bytes that freed."""
    pairs = listing.split_filters(filters, _KEYS)
    if volumes and any(key == "until" for key, _ in pairs):
        raise InvalidInput(
            'ERROR: The "until" filter is not supported with "--volumes"',
            hint="run dockyard volume prune by itself",
        )
    if not options.confirmed(_warning(pairs, everything=everything, volumes=volumes), force=force):
        return
    now = time.time_ns()
    freed = container_prune.prune(engine, pairs, now)
    network_prune.prune(engine, pairs, until(pairs, now))
    if volumes:
        freed += volume_prune.prune(engine, pairs, everything=False)
    freed += image_prune.prune(engine, pairs, now, everything=everything)
    if not pairs:  # models have no labels, and how long they are unused isn't known
        freed += model_prune.prune(engine, everything=everything)
    freed += _cache(engine, pairs, now, everything=everything)
    if not pairs:
        freed += engine.prune_downloads()
    options.tell_freed(freed)


def _warning(filters: Filters, *, everything: bool, volumes: bool) -> str:
    """Docker's list of what will go."""
    lines = ["all stopped containers", "all networks not used by at least one container"]
    lines += ["all anonymous volumes not used by at least one container"] if volumes else []
    lines.append("all images without at least one container associated to them" if everything
                 else "all dangling images")  # fmt: skip
    if not filters:
        lines.append("all models without at least one container that uses them" if everything
                     else "all models without a name")  # fmt: skip
        lines.append("all parts of downloads that broke off")
    lines.append("all build cache" if everything else "unused build cache")
    text = "This will remove:\n" + "".join(f"  - {line}\n" for line in lines)
    if filters:
        shown = "".join(f"  - {key}={value}\n" for key, value in filters)
        text += f"\n  Items to be pruned will be filtered with:\n{shown}"
    return text


def _cache(engine: Engine, filters: Filters, now: int, *, everything: bool) -> int:
    from dockyard.build.usage import Policy

    pruned = engine.prune_build_cache(
        Policy(everything=everything, unused_since=until(filters, now))
    )
    options.tell_deleted("build cache objects", [one.id for one in pruned.records])
    return pruned.freed
