"""``rollout promote``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("rollout promote", "SERVICE")
@argument("service")
@with_engine
def command(engine: Engine, service: str) -> None:
    """Gives a rollout's canary all of the traffic."""
    found = engine.services.end_rollout(service, promote=True)
    say(f"{found.canary}: {found.state}")
