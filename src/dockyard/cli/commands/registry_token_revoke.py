"""``registry token revoke``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument
from dockyard.cli.options import for_each

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager

_ROBOT = "robot$"


@define("registry token revoke", "[OPTIONS] NAME [NAME...]")
@registry_access.root
@argument("name")
@argument("names", required=False, many=True)
@registry_access.with_manager
def command(manager: Manager, *, name: str, names: tuple[str, ...]) -> int:
    """Revokes tokens; they are good for nothing from the next request on."""

    def revoke(one: str) -> str:
        manager.revoke_robot(one.removeprefix(_ROBOT))
        return one

    return for_each((name, *names), revoke)
