"""``model prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("model prune")
@option("-a", "--all", "everything", is_flag=True,
        help="Remove all unused models, not just those without a name")  # fmt: skip
@options.prune_force
@with_engine
def command(engine: Engine, *, everything: bool, force: bool) -> None:
    """Removes them, and prints what went and how many bytes that freed."""
    what = "all models without at least one container that uses them" if everything else (
        "all models without a name")  # fmt: skip
    if options.confirmed(f"This will remove {what}.", force=force):
        options.tell_freed(prune(engine, everything=everything))


def prune(engine: Engine, *, everything: bool) -> int:
    """Removes them and prints what went; bytes freed."""
    pruned = engine.models.prune(everything=everything)
    options.tell_deleted("Models", [str(one) for one in pruned.removed])
    return pruned.freed
