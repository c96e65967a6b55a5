"""``import``, as a user asks for it: a name, and lines of a Dockerfile on top of a tar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from dockyard.build.changes import changed
from dockyard.containers.parts import Parts
from dockyard.images import imported, platforms
from dockyard.images.model import Image
from dockyard.observability.progress import Listener
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.reference import Reference


def import_tree(
    parts: Parts,
    stream: BinaryIO,
    *,
    tag: str | None,
    changes: Sequence[str],
    message: str,
    platform: str | None,
    progress: Listener | None = None,
) -> Image:
    """See :meth:`dockyard.engine.Engine.import_tree`."""
    return imported.import_tree(
        stream,
        paths=parts.paths,
        database=parts.database,
        layers=parts.layers,
        images=parts.images,
        names=() if tag is None else (Reference.parse(tag),),
        execution=changed(ExecutionConfig(), changes),
        message=message,
        platform=platforms.wanted(platform),
        epoch=parts.config.source_date_epoch,
        progress=progress,
    )
