"""``registry token rotate-key``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import option
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager


@define("registry token rotate-key")
@option("--now", "at_once", is_flag=True,
        help="End all access tokens at once, and not within their five minutes")  # fmt: skip
@registry_access.root
@registry_access.with_manager
def command(manager: Manager, *, at_once: bool) -> None:
    """Makes a new key to sign with, and prints its id; passwords and robots' tokens stay."""
    say(manager.rotate_key(at_once=at_once))
