"""From a project's served services to what is written down of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from dockyard.compose.desired.service import Desired, numbered
from dockyard.compose.model.project import Project
from dockyard.containers.options import Restart
from dockyard.errors import NotFound
from dockyard.images.model import Image
from dockyard.serving import keys
from dockyard.serving.gateway.model import Key
from dockyard.serving.model import Service
from dockyard.serving.records import Declared, Template


def template(project: Project, wanted: Desired, image: Image) -> Template:
    """What a variant's replicas are made from. Pure.

    The controller starts those again that end, so that they have no restart policy of their own.
    """
    options = replace(numbered(project, wanted, 1, image.id), restart=Restart())
    digest = hashlib.sha256(f"{wanted.hash} {image.id}".encode()).hexdigest()
    return Template(options=options, image_id=image.id, image_name=wanted.image, hash=digest[:16])


def declared(
    service: Service, templates: Mapping[str, Template], own_keys: Sequence[Key],
    before: Declared | None, *, suspended: bool,
) -> Declared:  # fmt: skip
    """A service's record. What commands said of it stays, unless the file now says another thing.
    Pure, but for the time.

    Args:
        own_keys: see :func:`read_keys`.
    """
    known = {one.name: one for one in service.variants}
    weights: dict[str, int] = {}
    scales = {}
    if before is not None:
        old = {one.name: one for one in before.service.variants}
        same = {name: one.weight for name, one in old.items()} == {
            name: one.weight for name, one in known.items()
        }
        weights = dict(before.weights) if same else {}
        scales = {
            name: scale
            for name, scale in before.scales.items()
            if name in known and name in old and known[name].scale == old[name].scale
        }
    return Declared(
        service=service,
        templates=dict(templates),
        keys=tuple(own_keys),
        weights=weights,
        scales=scales,
        since=before.since if before is not None else time.time(),
        suspended=suspended,
    )


def read_keys(service: Service) -> tuple[Key, ...]:
    """The API keys that a service lets in; none where it asks for none.

    Raises:
        NotFound: the file isn't there, or can't be read.
        InvalidInput: it has no key that can be used.
    """
    if service.auth is None:
        return ()
    path = service.auth.keys
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(
            f"services.{service.name}.x-dockyard.auth: can't read the keys in {path}: {error}",
            hint="one key a line, such as NAME: KEY",
        ) from None
    return tuple(Key(key=one.key, client=one.name) for one in keys.read(text, path))


def written_sources(declared: Sequence[Declared]) -> set[str]:
    """Files that replicas are to have mounted, though there may be no replica now."""
    return {
        mount.source or ""
        for each in declared
        for template in each.templates.values()
        for mount in template.options.mounts
    }
