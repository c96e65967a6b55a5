"""``tag``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("tag", "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]")
@argument("source")
@argument("target")
@with_engine
def command(engine: Engine, source: str, target: str) -> None:
    """Gives an image another name."""
    engine.images.tag(source, target)
