"""``compose scale``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.compose import selection
from dockyard.compose.options import CreateOptions, StartOptions
from dockyard.compose.selection import Along
from dockyard.decoding import natural
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


def replicas(text: str) -> tuple[str, int]:
    """``SERVICE=NUMBER``.

    Raises:
        InvalidInput: it is none.
    """
    name, _, count = text.partition("=")
    if not name or not count:
        raise InvalidInput(f"invalid scale specifier: {text}", hint="such as worker=3")
    number = natural(count)
    if number is None:
        raise InvalidInput(
            f"invalid scale specifier: can't parse replica value as int: {text}",
            hint="such as worker=3",
        )
    return name, number


@define("compose scale", "[SERVICE=REPLICAS...]")
@option("--no-deps", is_flag=True, help="Don't start linked services")
@argument("pairs", many=True)
@with_compose
def command(engine: Engine, flags: Flags, pairs: tuple[str, ...], *, no_deps: bool) -> None:
    """Gives services so many containers, and starts them."""
    counts = dict(map(replicas, pairs))
    along: Along = "nothing" if no_deps else "dependencies"
    project = projects.load(flags, tuple(counts), along=along, resolved=True)
    scaled = selection.scaled(project, counts)
    options = CreateOptions(services=tuple(counts), dry_run=flags.dry_run, parallel=flags.at_once)
    with board.shown("Running", flags) as listener:
        engine.stacks.up(scaled, options, StartOptions(), listener=listener)
