"""``compose images``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from dockyard.cli import listing, units
from dockyard.cli.command import define
from dockyard.cli.compose import options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.compose.section import section
from dockyard.cli.line import argument
from dockyard.cli.output import say
from dockyard.errors import InvalidInput
from dockyard.images import platforms
from dockyard.images.model import Image
from dockyard.oci import digest as digests
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.compose.observe import Observed
    from dockyard.engine import Engine

_TITLES = ("CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED")
_SPARE = ("PLATFORM", "CREATED", "SIZE")
_NONE = "<none>"


class _Used(NamedTuple):
    """A container's image, and the name that the container was made with."""

    container: str
    image: Image
    repository: str
    tag: str


@define("compose images", "[OPTIONS] [SERVICE...]")
@options.list_format
@options.quiet_ids
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine, flags: Flags, services: tuple[str, ...], *, form: str, quiet: bool
) -> None:
    """Lists the images of the containers that there are."""
    _, stack = projects.present(engine, flags, services)
    found = [
        _used(engine, each)
        for each in sorted(stack.containers, key=lambda each: each.name)
        if not services or each.service in services
    ]
    if quiet:
        for image_id in dict.fromkeys(one.image.id for one in found):
            say(image_id.removeprefix(digests.PREFIX))
        return
    now = time.time_ns()
    rows = [_row(one, now) for one in found]
    documents = [_document(one) for one in found]
    listing.put(section(_TITLES, rows, documents, form, listing.terminal_width(), _SPARE))


def _used(engine: Engine, container: Observed) -> _Used:
    image = engine.images.get(container.image_id)
    try:
        name = Reference.parse(container.image)
    except InvalidInput:  # it was named by its id
        return _Used(container.name, image, "", "")
    return _Used(container.name, image, name.familiar_repository, name.tag or "")


def _row(one: _Used, now: int) -> tuple[str, ...]:
    return (
        one.container,
        one.repository or _NONE,
        one.tag or _NONE,
        str(platforms.of(one.image.config)),
        digests.short(one.image.id),
        units.decimal_size(one.image.size),
        units.since(one.image.built, now),
    )


def _document(one: _Used) -> dict[str, object]:
    return {
        "ID": one.image.id,
        "ContainerName": one.container,
        "Repository": one.repository,
        "Tag": one.tag,
        "Platform": str(platforms.of(one.image.config)),
        "Size": one.image.size,
        "LastTagTime": units.timestamp(one.image.built),
    }
