"""``volume inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import volumes_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("volume inspect", "[OPTIONS] VOLUME [VOLUME...]")
@options.object_format
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, form: str | None) -> int:
    """Prints a JSON array, or each volume by a template."""

    def find(name: str) -> view.Document:
        return document(engine, name)

    return listing.inspect(names, find, form)


def document(engine: Engine, name: str) -> view.Document:
    """What there is to say of a volume; :class:`NotFound` where there is none."""
    volume = engine.volumes.get(name)
    return view.document(volume, len(engine.volumes.users(name)), engine.volumes.size(volume))
