"""``rollout rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("rollout rollback", "SERVICE")
@argument("service")
@with_engine
def command(engine: Engine, service: str) -> None:
    """Takes a rollout's traffic back to what it was before."""
    found = engine.services.end_rollout(service, promote=False)
    say(f"{found.canary}: {found.state}")
