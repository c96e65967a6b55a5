"""``stop``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockyard.cli import options
from dockyard.cli.command import define, not_yet, with_engine
from dockyard.containers.apply import DEFAULT_STOP_SECONDS

if TYPE_CHECKING:
    from dockyard.engine import Engine

_FOREVER = 10.0**9


@define("stop", "[OPTIONS] CONTAINER [CONTAINER...]")
@click.option("-t", "--timeout", "--time", "timeout", type=float, metavar="int",
              default=DEFAULT_STOP_SECONDS,
              help="Seconds to wait before killing the container (-1 waits for ever)")  # fmt: skip
@not_yet({"-s, --signal=": "dockyard kill -s sends any signal"})
@click.argument("names", nargs=-1, required=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, timeout: float) -> int:
    """Stops all at the same time, and prints each name."""
    seconds = _FOREVER if timeout < 0 else timeout
    return options.at_once(names, lambda name: engine.containers.stop(name, seconds))
