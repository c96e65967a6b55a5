"""``restart``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("restart", "[OPTIONS] CONTAINER [CONTAINER...]")
@options.stop_signal
@options.stop_timeout
@argument("names", many=True)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, signal: str | None, timeout: int | None
) -> int:
    """Restarts all at the same time, and prints each name."""
    return options.at_once(
        names, lambda name: engine.containers.restart(name, timeout, signal_name=signal)
    )
