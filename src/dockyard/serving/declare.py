"""From a project's served services to what is written down of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TypeGuard

from msgspec.structs import replace

from dockyard.compose.desired.service import Desired, numbered
from dockyard.compose.model.project import Project
from dockyard.compose.options import Policy
from dockyard.containers.options import Restart
from dockyard.errors import NotFound
from dockyard.images.model import Image
from dockyard.serving import keys
from dockyard.serving.extension.blocks import NAME
from dockyard.serving.gateway.model import Key
from dockyard.serving.gateway.places import claim
from dockyard.serving.model import Service
from dockyard.serving.records import Declared, Template


def template(project: Project, wanted: Desired, image: Image) -> Template:
    """What a variant's replicas are made from. Pure.

    The controller starts those again that end, so that they have no restart policy of their own.
    """
    options = replace(numbered(project, wanted, 1, image.id), restart=Restart())
    digest = hashlib.sha256(f"{wanted.hash} {image.id}".encode()).hexdigest()
    base = digest[:16]
    return Template(
        options=options, image_id=image.id, image_name=wanted.image, hash=base, base=base
    )


def recreated(made: Template, before: Template | None, policy: Policy, token: str) -> Template:
    """What replicas are made from, by what ``up`` was told of containers that are there. Pure.

    Args:
        before: what they were made from.
        token: by which new ones are told from those before, with ``--force-recreate``.
    """
    if policy == "force":
        digest = hashlib.sha256(f"{made.base} {token}".encode()).hexdigest()
        return replace(made, hash=digest[:16])
    if before is None:
        return made
    if policy == "never":
        return before
    same = (before.base or before.hash) == made.base
    return replace(made, hash=before.hash) if same else made


def superseded(
    project: Project, served: Collection[Service], before: Sequence[Declared]
) -> tuple[str, ...]:
    """Names of services whose records go: the file has them no more, or as something else. Pure.

    Args:
        served: what is declared now.
    """
    known = project.services.keys() | project.disabled.keys()
    own = {one.name for one in served}
    variants = {variant.name for one in served for variant in one.variants}
    names = (one.service.name for one in before)
    return tuple(
        name
        for name in names
        if name not in own and (name not in known or name in variants or _is_plain(project, name))
    )


def _is_plain(project: Project, name: str) -> bool:
    service = project.services.get(name)
    return service is not None and NAME not in service.extensions


def declared(
    service: Service, templates: Mapping[str, Template], own_keys: Sequence[Key],
    before: Declared | None, *, suspended: bool, policies: Mapping[str, Policy] = {},
    token: str = "",
) -> Declared:  # fmt: skip
    """A service's record. What commands said of it stays, unless the file now says another thing.
    Pure, but for the time.

    Args:
        own_keys: see :func:`read_keys`.
        policies: by variant; see :func:`recreated`.
    """
    known = {one.name: one for one in service.variants}
    weights: dict[str, int] = {}
    scales = {}
    old_templates = before.templates if before is not None else {}
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
        templates={
            name: recreated(one, old_templates.get(name), policies.get(name, "diverged"), token)
            for name, one in templates.items()
        },
        keys=tuple(own_keys),
        weights=weights,
        scales=scales,
        since=before.since if _has_its_place(before, service) else time.time(),
        suspended=suspended,
    )


def _has_its_place(before: Declared | None, service: Service) -> TypeGuard[Declared]:
    """Whether a service wants the requests that it had: it doesn't give way to others then."""
    if before is None:
        return False
    old, new = before.service.route, service.route
    return claim(old) == claim(new) and (old.tls is None) == (new.tls is None)


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
