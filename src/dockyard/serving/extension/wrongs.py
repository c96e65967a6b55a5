"""What is wrong with the blocks of a project, of which each has the right form. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockyard.compose.load.problem import suggestion
from dockyard.compose.model.project import Project
from dockyard.serving.extension import blocks as parts
from dockyard.serving.extension import containers, files, rules
from dockyard.serving.extension.blocks import Block, Blocks
from dockyard.serving.extension.reading import Wrong


def wrongs(project: Project, blocks: Blocks) -> Iterator[Wrong]:
    """All of it, that of a single block before what blocks say of each other."""
    for block in blocks.values():
        yield from _in_block(block, rules.alone(block.own))
    for block in blocks.values():
        if block.is_variant:
            yield from _variant(block, blocks, project)
    for block in blocks.values():
        if block.stable in blocks:
            yield from _whole(block, blocks)
    for block in blocks.values():
        if not block.is_variant:
            yield from _weights(block, blocks)
            yield from _in_block(block, files.wrongs(block.own, project))
    yield from _routes(blocks)


def _in_block(block: Block, found: Iterator[Wrong]) -> Iterator[Wrong]:
    for path, message, hint in found:
        yield block.at(*path), message, hint


def _variant(block: Block, blocks: Blocks, project: Project) -> Iterator[Wrong]:
    stable, path = block.stable, block.at("variant_of")
    if stable == block.name:
        yield path, "is the service itself", "name the service that has the route"
    elif stable not in blocks:
        yield path, *_no_block(stable, blocks, project)
    elif blocks[stable].is_variant:
        hint = f"say variant_of: {blocks[stable].stable}"
        yield path, f"service {stable!r} is a variant itself", hint
    else:
        yield from _common(block, blocks[stable])


def _no_block(stable: str, blocks: Blocks, project: Project) -> tuple[str, str | None]:
    if stable in parts.active(project):
        return f"service {stable!r} has no x-dockyard", "give it one with a route"
    if stable in project.disabled:
        profiles = " or ".join(project.disabled[stable].profiles)
        return f"service {stable!r} isn't active", f"--profile {profiles} activates it"
    known = [name for name, block in blocks.items() if not block.is_variant]
    hint = suggestion(stable, known) or f"services with a route: {', '.join(known) or 'none'}"
    return f"there is no service {stable!r}", hint


def _common(block: Block, stable: Block) -> Iterator[Wrong]:
    """What only a service has; its variants may repeat it, as those do that extend it."""
    for name in rules.SERVICE:
        if name in block.own and block.own[name] != stable.own.get(name):
            hint = f"say it in services.{stable.name}.x-dockyard, and leave it out here"
            yield block.at(name), f"is the same for all variants of {stable.name!r}", hint


def _whole(block: Block, blocks: Blocks) -> Iterator[Wrong]:
    values = parts.values(block, blocks)
    yield from _in_block(block, rules.whole(values))
    yield from _in_block(block, rules.queue(block.own, values))
    if parts.port(block, blocks) is None:
        hint = "say port: N, where the server listens in the container"
        yield block.at(), "'port' is missing, and expose and ports don't name exactly one", hint
    for path, message, more in containers.wrongs(block.service, rules.scale(values)["max"]):
        yield ("services", block.name, *path), message, more


def _weights(stable: Block, blocks: Blocks) -> Iterator[Wrong]:
    found = parts.weights(stable, blocks)
    if found[stable.name] < 0:
        name, weight = next((name, weight) for name, weight in reversed(found.items()) if weight)
        total = sum(weight for other, weight in found.items() if other != stable.name)
        hint = f"let them be 100 together at most, or give {stable.name!r} a weight too"
        message = f"with {weight} the variants of {stable.name!r} have {total} of 100"
        yield blocks[name].at("weight"), message, hint
    elif not any(found.values()):
        yield stable.at("weight"), "no variant has any weight", "give one of them some"


def _routes(blocks: Blocks) -> Iterator[Wrong]:
    """Two services can't have the same requests."""
    routes: dict[object, str] = {}
    listeners: dict[str, list[Block]] = {}
    for block in blocks.values():
        if block.is_variant:
            continue
        route = block.own["route"]
        other = routes.setdefault(_key(route), block.name)
        if other != block.name:
            hint = "give one of them another path, host, header, model or listen"
            yield block.at("route"), f"service {other!r} has the same route", hint
        listeners.setdefault(route.get("listen", ""), []).append(block)
    for group in listeners.values():
        yield from _certificates(group)


def _certificates(group: list[Block]) -> Iterator[Wrong]:
    """A listener has TLS or not, and one certificate, or one for each host."""
    first = group[0]
    for block in group:
        if bool(_tls(block)) != bool(_tls(first)):
            words = "with TLS" if _tls(first) else "without TLS"
            message = f"service {first.name!r} has the same listener, {words}"
            yield block.at("route"), message, "give one of them another listen, or both the same"
    if all(_tls(block) == _tls(first) for block in group):
        return
    owners: dict[str, Block] = {}
    for block in group:
        host = block.own["route"].get("host", "")
        owner = owners.setdefault(host, block)
        if not host:
            message = "the listener has several certificates, so this one needs a host"
            yield block.at("route"), message, "such as host: api.example.com"
        elif _tls(owner) != _tls(block):
            message = f"service {owner.name!r} has another certificate for {host}"
            yield block.at("route", "tls"), message, "give both the same"


def _tls(block: Block) -> object:
    return block.own["route"].get("tls")


def _key(route: dict[str, object]) -> object:
    header = route.get("header")
    headers = header.items() if isinstance(header, dict) else ()
    return (
        route.get("listen", ""), route.get("path", "/"), route.get("host", ""),
        route.get("model", ""), tuple(sorted((name.lower(), value) for name, value in headers)),
    )  # fmt: skip
