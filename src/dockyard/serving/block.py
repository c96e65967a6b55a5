"""The services that a Compose project declares by ``x-dockyard``: pure, and checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from dockyard.compose.load.place import Places
from dockyard.compose.load.problem import problem
from dockyard.compose.model.project import Project
from dockyard.decoding import from_builtins
from dockyard.serving.extension import blocks as parts
from dockyard.serving.extension import containers, files, rules
from dockyard.serving.extension.blocks import NAME, Block, Blocks
from dockyard.serving.extension.reading import Values, Wrong
from dockyard.serving.extension.wrongs import wrongs
from dockyard.serving.model import Service

LISTEN = "127.0.0.1:8080"
"""Where the gateway listens for routes that don't say, if the caller doesn't either."""


_STARTED = "service_started"


def declared(
    project: Project, *, listen: str = LISTEN, places: Places | None = None
) -> tuple[Service, ...]:
    """The services that clients see, with their variants, in the order of their names.

    Args:
        project: the whole one: of services that are left out of a command's choice the blocks count
            as well, and secrets have to be there.
        listen: ``ADDRESS:PORT`` of routes that name none.
        places: where values stand in the files, for messages.

    Raises:
        InvalidInput: a block makes no sense, by itself or in its project; the message says where.
    """
    for path, message, hint in _wrongs(project):
        raise problem(places or Places(), path, message, hint or _HINT)
    blocks = parts.found(project)
    return tuple(
        _service(block, blocks, project, listen)
        for block in blocks.values()
        if not block.is_variant
    )


def check(project: Project, places: Places) -> None:
    """Checks the blocks of a whole project, as :func:`declared` does."""
    declared(project, places=places)


def warnings(project: Project) -> tuple[str, ...]:
    """A sentence for each value of the project's services that has no effect.

    The blocks are right.
    """
    blocks = parts.found(project)
    found: list[str] = []
    for block in blocks.values():
        if block.name not in project.services:  # a command isn't about it
            continue
        found += containers.ignored(block.service)
        found += (f"services.{block.name}.{NAME}.{each}" for each in _idle(block, blocks))
    return tuple(found)


def unawaited(project: Project, served: Collection[str]) -> Iterator[str]:
    """A sentence for each plain service that would wait for one that is served."""
    for service in project.services.values():
        for other, each in service.depends_on.items():
            if service.name not in served and other in served and each.condition != _STARTED:
                yield (
                    f"services.{service.name}.depends_on.{other}: {service.name} doesn't wait for"
                    f" {other}, which is served: that comes up after the others"
                )


def _idle(block: Block, blocks: Blocks) -> Iterator[str]:
    """What of a block has no effect, and why; what it takes over is told with its service."""
    if "sticky" in block.own and not block.is_variant and len(parts.variants(block, blocks)) == 1:
        yield "sticky has no effect: there are no variants"
    values = parts.values(block, blocks)
    own = "protocol" in block.own or "path" in block.own.get("ready", {})
    if values.get("protocol") == "h2c" and "path" in values.get("ready", {}) and own:
        yield "ready.path has no effect: h2c is ready when it begins HTTP/2"


_HINT = "dockyard services schema prints what may be there"


def _wrongs(project: Project) -> Iterator[Wrong]:
    misformed = tuple(parts.misformed(project))
    yield from misformed
    if not misformed:
        yield from wrongs(project, parts.found(project))


def _service(stable: Block, blocks: Blocks, project: Project, listen: str) -> Service:
    own = {name: value for name, value in stable.own.items() if name in rules.SERVICE}
    if "auth" in own:
        own["auth"] = {"keys": files.located(own["auth"]["keys"], project)}
    weights = parts.weights(stable, blocks)
    found = {
        **own,
        "project": project.name,
        "name": stable.name,
        "route": _route(own["route"], project, listen),
        "variants": [
            _variant(each, blocks, weights[each.name]) for each in parts.variants(stable, blocks)
        ],
    }
    return from_builtins(found, Service)


def _route(route: Values, project: Project, listen: str) -> Values:
    given: str = route.get("listen", listen)
    if ":" not in given:
        given = f"{listen.rpartition(':')[0]}:{given}"
    found = {**route, "listen": given, "header": _lower(route.get("header", {}))}
    if "tls" in route:
        found["tls"] = {name: files.located(path, project) for name, path in route["tls"].items()}
    return found


def _variant(block: Block, blocks: Blocks, weight: int) -> dict[str, Any]:
    values = parts.values(block, blocks)
    found = {
        **values,
        "name": block.name,
        "port": parts.port(block, blocks),
        "scale": rules.scale(values),
        "weight": weight,
        "shadow": block.own.get("shadow", False),
    }
    if "match" in block.own:
        match = block.own["match"]
        found["match"] = {**match, "header": _lower(match.get("header", {}))}
    return found


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
