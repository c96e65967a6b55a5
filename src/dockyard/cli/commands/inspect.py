"""``inspect``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dockyard.cli import documents, listing, options, render
from dockyard.cli.command import define, not_yet, with_engine
from dockyard.errors import DockyardError, InvalidInput, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("inspect", "[OPTIONS] NAME|ID [NAME|ID...]")
@options.object_format
@click.option("--type", "kind", type=click.Choice(["container", "image"]), metavar="string",
              help="Only inspect objects of the given type: container or image")  # fmt: skip
@not_yet({"-s, --size": None})
@click.argument("names", nargs=-1, required=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, form: str | None, kind: str | None) -> int:
    """Prints a JSON array, or each object by a template."""
    found, missing = [], []
    for name in names:
        try:
            found.append(find(engine, name, kind))
        except DockyardError as error:
            missing.append(error)
    if form:
        for document in found:
            listing.put(listing.object_text(document, form))
    else:
        click.echo(json.dumps(found, indent=4, ensure_ascii=False))
    for failure in missing:
        render.print_error(failure)
    return 1 if missing else 0


def find(engine: Engine, name: str, kind: str | None) -> documents.Document:
    """The document of a container, else of an image, of that name.

    Raises:
        NotFound: there is neither.
    """
    if kind in {None, "container"}:
        try:
            return _container(engine, name)
        except NotFound:
            if kind is not None:
                raise
    try:
        return documents.image_document(engine.images.find(name))
    except (NotFound, InvalidInput):
        if kind is not None:
            raise
        raise NotFound(
            f"no such object: {name}",
            hint="dockyard ps -a and dockyard images list what there is",
            reference="no-such-object",
        ) from None


def _container(engine: Engine, name: str) -> documents.Document:
    container = engine.containers.get(name)
    try:
        config = engine.images.get(container.image_id).config.config
    except NotFound:
        config = None
    endpoint = engine.parts.networks.endpoint(container.holder)
    return documents.container_document(container, config, endpoint, engine.paths)
