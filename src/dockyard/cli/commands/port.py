"""``port``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import ports_view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.output import say
from dockyard.decoding import natural
from dockyard.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("port", "CONTAINER [PRIVATE_PORT[/PROTO]]")
@argument("name")
@argument("private_port", required=False)
@with_engine
def command(engine: Engine, name: str, private_port: str | None) -> None:
    """Prints where a container's ports are published."""
    container = engine.containers.get(name)
    ports = ports_view.lines(engine.containers.ports(container))
    if private_port is None:
        for port in ports:
            say(f"{port.container_port}/{port.protocol} -> {port.host}")
        return
    digits, _, protocol = private_port.partition("/")
    number = natural(digits)
    if number is None:
        raise InvalidInput(f"invalid port: {private_port}", hint="such as 80 or 53/udp")
    wanted = (number, protocol or "tcp")
    found = [port for port in ports if (port.container_port, port.protocol) == wanted]
    if not found:
        raise NotFound(
            f"no public port '{private_port}' published for {container.name}",
            hint=f"dockyard port {container.name} lists those there are",
        )
    for port in found:
        say(port.host)
