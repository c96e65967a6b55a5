"""``compose attach``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.commands.attach import attach
from dockyard.cli.compose import options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.run_flags import console
from dockyard.compose import observe, targets

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose attach", "[OPTIONS] SERVICE")
@console.detach_keys
@options.index
@option("--no-stdin", is_flag=True, help="Do not attach STDIN")
@console.sig_proxy
@argument("service")
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    service: str,
    *,
    detach_keys: bytes | None,
    index: int,
    no_stdin: bool,
    sig_proxy: bool,
) -> int:
    """Connects to a service's container until it ends; the exit code is the program's."""
    stack = observe.observed(engine, projects.name_of(flags))
    found = targets.one(stack, service, index)
    if flags.dry_run:
        return 0
    return attach(engine, found.id, keys=detach_keys, no_stdin=no_stdin, sig_proxy=sig_proxy)
