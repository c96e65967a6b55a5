"""``registry policy rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry policy rm", "[OPTIONS] SUBJECT [REPOSITORIES]")
@registry_access.root
@argument("subject")
@argument("pattern", required=False)
@registry_access.with_manager
def command(manager: Manager, *, subject: str, pattern: str | None = None) -> None:
    """Removes the rule for these repositories, or all rules of the subject."""
    for rule in manager.remove_rules(subject, pattern):
        say(f"{rule.subject} {rule.pattern} {','.join(rule.actions)}")
