"""``kill``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("kill", "[OPTIONS] CONTAINER [CONTAINER...]")
@option("-s", "--signal", "signal", default="SIGKILL", metavar="string",
        help="Signal to send to the container")  # fmt: skip
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, signal: str) -> int:
    """Sends a signal to each, and prints its name."""

    def kill(name: str) -> str:
        engine.containers.kill(name, signal)
        return name

    return options.for_each(names, kill)
