"""``registry user passwd``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry user passwd", "[OPTIONS] NAME")
@registry_access.password_stdin
@registry_access.root
@argument("name")
@registry_access.with_manager
def command(manager: Manager, *, name: str, password_stdin: bool) -> None:
    """Gives a user another password; all that was issued to him before is void."""
    password = registry_access.read_password(name, from_stdin=password_stdin)
    manager.set_password(name, password)
    say(name)
