"""``model inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import models_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("model inspect", "[OPTIONS] MODEL [MODEL...]")
@options.object_format
@option("-r", "--remote", is_flag=True, help="Show models of registries, without a download")
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, form: str | None, remote: bool) -> int:
    """Prints a JSON array, or each model by a template."""

    def find(name: str) -> view.Document:
        if remote:
            return view.remote_document(engine.models.look(name))
        return document(engine, name)

    return listing.inspect(names, find, form)


def document(engine: Engine, name: str) -> view.Document:
    """What there is to say of a model of this root; :class:`NotFound` where there is none."""
    model = engine.models.find(name)
    users = engine.models.users().get(model.id, ())
    return view.document(model, users, engine.models.directory(model.id))
