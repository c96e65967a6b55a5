"""``compose export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.commands.export import write_out
from dockyard.cli.compose import options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.compose import observe, targets

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose export", "[OPTIONS] SERVICE")
@options.index
@option("-o", "--output", metavar="string", help="Write to a file, instead of STDOUT")
@argument("service")
@with_compose
def command(engine: Engine, flags: Flags, service: str, *, index: int, output: str | None) -> None:
    """Writes the files of a service's container, but not its volumes, as a tar archive."""
    stack = observe.observed(engine, projects.name_of(flags))
    found = targets.one(stack, service, index)
    if not flags.dry_run:
        write_out(engine, found.id, output)
