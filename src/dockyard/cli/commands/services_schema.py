"""``services schema``."""

from __future__ import annotations

from dockyard.cli.command import define
from dockyard.cli.output import say


@define("services schema")
def command() -> None:
    """Prints the JSON schema of the block x-dockyard, by which editors complete and check it."""
    from dockyard.serving.extension import document  # what it is made of is for few commands

    say(document.text(), end="")
