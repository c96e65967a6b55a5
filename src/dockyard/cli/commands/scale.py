"""``scale``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.output import say
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("scale", "SERVICE=REPLICAS...")
@argument("pairs", many=True)
@with_engine
def command(engine: Engine, pairs: tuple[str, ...]) -> None:
    """Sets how many replicas services may have: 3, 0..8, or auto for what the file says."""
    from dockyard.serving import verbs

    wanted = []
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            raise InvalidInput(f"not SERVICE=REPLICAS: {pair}", hint="such as embed=3, embed=0..8")
        declared, variant = engine.services.find(name)
        wanted.append((name, verbs.parse_scale(text, declared.variant(variant).scale)))
    for name, scale in wanted:
        declared = engine.services.scale(name, scale)
        found = declared.variant(engine.services.find(name)[1]).scale
        say(f"{name}: {found.min} to {found.max} replicas")
