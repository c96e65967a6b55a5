"""``network inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import networks_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network inspect", "[OPTIONS] NETWORK [NETWORK...]")
@options.object_format
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, form: str | None) -> int:
    """Prints a JSON array, or each network by a template."""
    return listing.inspect(names, lambda name: document(engine, name), form)


def document(engine: Engine, name: str) -> view.Document:
    """What there is to say of a network; :class:`NotFound` where there is none."""
    network = engine.networks.get(name)
    return view.document(network, engine.networks.members(network))
