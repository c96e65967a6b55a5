"""``registry policy test``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry policy test", "[OPTIONS] WHO REPOSITORY [ACTIONS]")
@registry_access.root
@argument("who")
@argument("repository")
@argument("actions", default="*")
@registry_access.with_manager
def command(manager: Manager, *, who: str, repository: str, actions: str) -> int:
    """Says of each action if WHO (a user, robot$NAME or anonymous) may, and which rule decides.

    Returns:
        1 where one of them is denied.
    """
    from dockyard.registry.access.model import parse_actions

    decisions = [(one, manager.test(who, repository, one)) for one in parse_actions(actions)]
    for action, found in decisions:
        say(f"{action}: {'allowed' if found.allowed else 'denied'}: {found.reason}")
    return 0 if all(found.allowed for _, found in decisions) else 1
