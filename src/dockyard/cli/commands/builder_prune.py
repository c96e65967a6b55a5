"""``builder prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockyard.cli.command import define, not_yet, with_engine
from dockyard.cli.units import decimal_size

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("builder prune")
@click.option("-a", "--all", "everything", is_flag=True,
              help="Remove all build cache, not just what no image uses")  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Do not prompt for confirmation")
@not_yet({"--filter=": None, "--max-used-space=": None, "--min-free-space=": None,
          "--reserved-space=": None, "--keep-storage=": None, "--verbose": None})  # fmt: skip
@with_engine
def command(engine: Engine, *, everything: bool, force: bool) -> int:
    """Removes what later builds could have reused, and prints how many bytes that freed."""
    what = "all build cache" if everything else "all build cache that no image uses"
    question = f"WARNING! This will remove {what}.\nAre you sure you want to continue?"
    if not force and not click.confirm(question, err=True):
        return 1
    freed = engine.prune_build_cache(everything=everything)
    click.echo(f"Total reclaimed space: {decimal_size(freed)}")
    return 0
