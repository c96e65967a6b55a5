"""``start``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.foreground import EVERYTHING, OUTPUT, require_terminal, streams
from dockyard.cli.line import argument, option
from dockyard.cli.run_flags import console
from dockyard.containers.detach import parse_keys
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("start", "[OPTIONS] CONTAINER [CONTAINER...]")
@option("-a", "--attach", is_flag=True, help="Attach STDOUT/STDERR and forward signals")
@console.detach_keys
@option("-i", "--interactive", is_flag=True, help="Attach container's STDIN")
@argument("names", many=True)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, attach: bool, detach_keys: bytes | None,
    interactive: bool,
) -> int:  # fmt: skip
    """Starts containers and prints each name, or stays with one until it ends."""
    if not (attach or interactive):

        def start(name: str) -> str:
            engine.containers.start(name)
            return name

        return options.for_each(names, start)
    if len(names) > 1:
        raise InvalidInput(
            "you cannot start and attach multiple containers at once",
            hint="leave -a and -i out, or start one of them alone",
        )
    container = engine.containers.get(names[0])
    of_container = container.options.console
    stdin = interactive and of_container.interactive
    if of_container.tty and stdin:
        require_terminal()
    attached = streams(
        EVERYTHING if stdin else OUTPUT,
        tty=of_container.tty,
        proxy=not of_container.tty,
        keys=detach_keys or parse_keys(""),
    )
    with options.failing(1):
        if container.running:
            return engine.containers.attach(container.id, attached).exit_code
        return engine.containers.start(container.id, attached).exit_code
