"""``logout``."""

from __future__ import annotations

from dockyard.cli.command import define
from dockyard.cli.line import argument
from dockyard.cli.output import say


@define("logout", "[SERVER]")
@argument("server", default="")
def command(*, server: str) -> None:
    """Forgets who one is at a registry."""
    from dockyard.registry import credentials, login
    from dockyard.registry.transport import environment

    registry = login.registry_of(server)
    say(f"Removing login credentials for {credentials.key_of(registry)}")
    login.sign_out(registry, environment())
