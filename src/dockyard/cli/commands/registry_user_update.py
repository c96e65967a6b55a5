"""``registry user update``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry user update", "[OPTIONS] NAME")
@option("--group-add", "join", multiple=True, help="Add the user to a group")
@option("--group-rm", "leave", multiple=True, help="Remove the user from a group")
@option("--admin", is_flag=True, help="The user may do everything in every repository")
@option("--no-admin", is_flag=True, help="The user may do what rules allow")
@option("--disable", is_flag=True, help="Let the user do nothing, and end all tokens")
@option("--enable", is_flag=True, help="Let a disabled user in again")
@registry_access.root
@argument("name")
@registry_access.with_manager
def command(
    manager: Manager, *, name: str, join: tuple[str, ...], leave: tuple[str, ...], admin: bool,
    no_admin: bool, disable: bool, enable: bool,
) -> None:  # fmt: skip
    """Changes what is given; it holds from the next request on."""
    manager.update_user(
        name, join=join, leave=leave, admin=_choice("--admin", admin, "--no-admin", no_admin),
        disabled=_choice("--disable", disable, "--enable", enable),
    )  # fmt: skip
    say(name)


def _choice(flag: str, on: bool, other: str, off: bool) -> bool | None:
    """``None`` where neither is given.

    Raises:
        InvalidInput: both are.
    """
    if on and off:
        raise InvalidInput(f"conflicting options: {flag} and {other}", hint="give one of the two")
    return True if on else False if off else None
