"""``restart``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockyard.cli import options
from dockyard.cli.command import define, with_engine

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("restart", "[OPTIONS] CONTAINER [CONTAINER...]")
@options.stop_signal
@options.stop_timeout
@click.argument("names", nargs=-1, required=True)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, signal: str | None, timeout: float | None
) -> int:
    """Restarts all at the same time, and prints each name."""
    return options.at_once(
        names, lambda name: engine.containers.restart(name, timeout, signal_name=signal)
    )
