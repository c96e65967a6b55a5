"""``network disconnect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network disconnect", "[OPTIONS] NETWORK CONTAINER")
@option("-f", "--force", is_flag=True,
        help="Don't fail where the container isn't connected or is gone")  # fmt: skip
@argument("network")
@argument("container")
@with_engine
def command(engine: Engine, network: str, container: str, *, force: bool) -> None:
    """Disconnects; where the container runs, at once."""
    try:
        engine.networks.disconnect(network, container)
    except NotFound:
        if not force:
            raise
