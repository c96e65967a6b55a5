"""``registry policy set``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument
from dockyard.cli.output import say
from dockyard.cli.render import print_note

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry policy set", "[OPTIONS] SUBJECT REPOSITORIES ACTIONS")
@registry_access.root
@argument("subject")
@argument("pattern")
@argument("actions")
@registry_access.with_new_manager
def command(manager: Manager, *, subject: str, pattern: str, actions: str) -> None:
    """Allows SUBJECT (user:NAME, group:NAME, * or anonymous) ACTIONS (pull,push,delete) there."""
    from dockyard.registry.access.model import parse_actions

    rule = manager.set_rule(subject, pattern, parse_actions(actions))
    say(f"{rule.subject} {rule.pattern} {','.join(rule.actions)}")
    kind, _, name = subject.partition(":")
    if kind == "group" and not any(name in one.groups for one in manager.read().users.values()):
        print_note(f"Nobody is in the group {name} yet.")
