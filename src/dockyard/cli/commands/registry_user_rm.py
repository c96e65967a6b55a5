"""``registry user rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument
from dockyard.cli.options import for_each

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry user rm", "[OPTIONS] NAME [NAME...]")
@registry_access.root
@argument("name")
@argument("names", required=False, many=True)
@registry_access.with_manager
def command(manager: Manager, *, name: str, names: tuple[str, ...]) -> int:
    """Removes users, and the rules that are for them."""

    def remove(one: str) -> str:
        manager.remove_user(one)
        return one

    return for_each((name, *names), remove)
