"""``model tag``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("model tag", "SOURCE_MODEL[:TAG] TARGET_MODEL[:TAG]")
@argument("source")
@argument("target")
@with_engine
def command(engine: Engine, source: str, target: str) -> None:
    """Gives a model another name."""
    engine.models.tag(source, target)
