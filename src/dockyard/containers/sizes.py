"""What containers take on disk."""

from __future__ import annotations

import msgspec

from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import NotFound
from dockyard.system.files import tree_size


class Sizes(msgspec.Struct, frozen=True):
    """Bytes: what the container wrote itself, and its image below that."""

    written: int
    image: int


def sizes(parts: Parts, container: Container) -> Sizes:
    """The sizes of a container at this moment."""
    try:
        image = parts.images.get(container.image_id).size
    except NotFound:
        image = 0
    return Sizes(written(parts, container), image)


def written(parts: Parts, container: Container) -> int:
    """Bytes that the container's own layer holds."""
    return tree_size(f"{parts.paths.container(container.id)}/upper")
