"""``services metrics``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing
from dockyard.cli.command import define, with_engine

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("services metrics")
@with_engine
def command(engine: Engine) -> None:
    """Prints what is counted of services, as Prometheus scrapes it."""
    from dockyard.serving import metrics, sight

    listing.put(metrics.page(sight.look(engine)).decode())
