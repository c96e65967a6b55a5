"""``compose port``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import ports_view
from dockyard.cli.command import define
from dockyard.cli.compose import options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.compose import observe, targets
from dockyard.decoding import natural
from dockyard.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine

_LAST_PORT = 65535


@define("compose port", "[OPTIONS] SERVICE PRIVATE_PORT")
@options.index
@option("--protocol", metavar="string", default="tcp", help="tcp or udp")
@argument("service")
@argument("private_port")
@with_compose
def command(
    engine: Engine, flags: Flags, service: str, private_port: str, *, index: int, protocol: str
) -> None:
    """Prints where a port of a service's container is published."""
    number = natural(private_port, _LAST_PORT)
    if number is None:
        raise InvalidInput(f"invalid port: {private_port}", hint="a number, such as 80")
    stack = observe.observed(engine, projects.name_of(flags))
    container = targets.one(stack, service, index)
    published = ports_view.lines(container.ports)
    for port in published:
        if (port.container_port, port.protocol) == (number, protocol.lower()):
            say(port.host)
            return
    others = ", ".join(f"{port.container_port}/{port.protocol}" for port in published)
    raise NotFound(
        f"no port {number}/{protocol.lower()} for container {container.name}: {others}",
        hint=f"published are {others}" if others else "it publishes none: see ports in its file",
    )
