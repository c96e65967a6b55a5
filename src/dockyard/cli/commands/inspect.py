"""``inspect``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dockyard.cli import documents, listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.commands import model_inspect, network_inspect, volume_inspect
from dockyard.cli.line import argument, one_of, option
from dockyard.containers import shared_memory
from dockyard.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine

_KINDS = ("container", "image", "model", "network", "volume")


@define("inspect", "[OPTIONS] NAME|ID [NAME|ID...]")
@options.object_format
@option("-s", "--size", is_flag=True,
        help="Display total file sizes if the type is container")  # fmt: skip
@option("--type", "kind", read=one_of(_KINDS), metavar="string",
        help=f"Only inspect objects of the given type: {', '.join(_KINDS)}")  # fmt: skip
@argument("names", many=True)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, form: str | None, size: bool, kind: str | None
) -> int:
    """Prints a JSON array, or each object by a template."""
    return listing.inspect(names, lambda name: find(engine, name, kind, size=size), form)


def find(engine: Engine, name: str, kind: str | None, *, size: bool = False) -> documents.Document:
    """The document of what has that name: a container, an image, a model, a network or a volume.

    Raises:
        NotFound: there is none of the kind asked for.
    """
    looks: dict[str, Callable[[], documents.Document]] = {
        "container": lambda: _container(engine, name, size=size),
        "image": lambda: documents.image_document(engine.images.find(name)),
        "model": lambda: model_inspect.document(engine, name),
        "network": lambda: network_inspect.document(engine, name),
        "volume": lambda: volume_inspect.document(engine, name),
    }
    if kind is not None:
        return looks[kind]()
    for look in looks.values():
        try:
            return look()
        except (NotFound, InvalidInput):
            continue
    raise NotFound(
        f"no such object: {name}",
        hint="dockyard ps -a, images, model ls, network ls and volume ls list what there is",
        reference="no-such-object",
    )


def _container(engine: Engine, name: str, *, size: bool) -> documents.Document:
    container = engine.containers.get(name)
    try:
        config = engine.images.get(container.image_id).config.config
    except NotFound:
        config = None
    endpoints = engine.parts.networks.endpoints(container.holder)
    health = engine.containers.health(container)
    document = documents.container_document(container, config, endpoints, engine.paths, health)
    if shared_memory.ran_out(engine.paths, container):
        document["State"]["ShmFull"] = True
        engine.parts.warn(shared_memory.words(container))
    if size:
        found = engine.containers.sizes(container)
        document |= {"SizeRw": found.written, "SizeRootFs": found.written + found.image}
    return document
