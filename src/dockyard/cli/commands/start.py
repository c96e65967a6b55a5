"""``start``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockyard.cli import options
from dockyard.cli.command import define, not_yet, with_engine
from dockyard.cli.foreground import streams
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("start", "[OPTIONS] CONTAINER [CONTAINER...]")
@click.option("-a", "--attach", is_flag=True, help="Attach STDOUT/STDERR and forward signals")
@click.option("-i", "--interactive", is_flag=True, help="Attach container's STDIN")
@not_yet({"--detach-keys=": None})
@click.argument("names", nargs=-1, required=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, attach: bool, interactive: bool) -> int:
    """Starts containers and prints each name, or stays with one until it ends."""
    if not (attach or interactive):

        def start(name: str) -> str:
            engine.containers.start(name)
            return name

        return options.for_each(names, start)
    if len(names) > 1:
        raise InvalidInput("you cannot start and attach multiple containers at once")
    container = engine.containers.get(names[0])
    if container.running:
        raise InvalidInput(
            f"container {container.name} is running already",
            hint="attaching to a running container comes with a later version;"
            f" dockyard logs -f {container.name} follows its output",
        )
    attached = streams(
        interactive=interactive and container.options.console.interactive, proxy=True
    )
    return engine.containers.start(container.id, attached).exit_code
