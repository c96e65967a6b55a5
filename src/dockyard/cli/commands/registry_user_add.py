"""``registry user add``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument, option
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry user add", "[OPTIONS] NAME")
@option("-g", "--group", "groups", multiple=True, help="Group that the user is in")
@option("--admin", is_flag=True, help="The user may do everything in every repository")
@registry_access.password_stdin
@registry_access.root
@argument("name")
@registry_access.with_new_manager
def command(
    manager: Manager, *, name: str, groups: tuple[str, ...], admin: bool, password_stdin: bool
) -> None:
    """Adds a user; the password is asked for twice, or read from standard input."""
    password = registry_access.read_password(name, from_stdin=password_stdin)
    manager.add_user(name, password, groups=groups, admin=admin)
    say(name)
