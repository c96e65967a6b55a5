"""The blocks of a project's services. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from dockyard.compose.load.place import Path
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.serving.extension import containers, reading, rules
from dockyard.serving.extension.reading import Values, Wrong

NAME = "x-dockyard"


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """What a service's block gives, and the service."""

    service: Service
    own: Values

    @property
    def name(self) -> str:
        """The service's."""
        return self.service.name

    @property
    def is_variant(self) -> bool:
        """Whether it is a version of another service."""
        return "variant_of" in self.own

    @property
    def stable(self) -> str:
        """The service that clients see: itself, or the one that it is a version of."""
        found: str = self.own.get("variant_of", self.name)
        return found

    def at(self, *steps: str | int) -> Path:
        """A path in the block, as one of the file."""
        return ("services", self.name, NAME, *steps)


Blocks = Mapping[str, Block]
"""By the services' names, sorted."""


def active(project: Project) -> dict[str, Service]:
    """All services but those of profiles that aren't active, whichever a command is about."""
    others = {
        name: one for name, one in project.disabled.items() if _is_active(one, project.profiles)
    }
    return dict(sorted({**project.services, **others}.items()))


def _is_active(service: Service, profiles: tuple[str, ...]) -> bool:
    own = service.profiles
    return not own or "*" in profiles or not set(own).isdisjoint(profiles)


def misformed(project: Project) -> Iterator[Wrong]:
    """Blocks that haven't the form of one; those of services that aren't active too."""
    for name, service in sorted({**project.services, **project.disabled}.items()):
        if NAME in service.extensions:
            block = reading.written(service.extensions[NAME])
            yield from reading.faults(block, ("services", name, NAME))


def found(project: Project) -> Blocks:
    """The blocks of active services; all have the form of one."""
    return {
        name: Block(service=service, own=reading.read(reading.written(service.extensions[NAME])))
        for name, service in active(project).items()
        if NAME in service.extensions
    }


def values(block: Block, blocks: Blocks) -> Values:
    """What a variant says, and what it takes over from its service."""
    base = blocks[block.stable].own if block.is_variant else {}
    return rules.joined(base, block.own)


def port(block: Block, blocks: Blocks) -> int | None:
    """The port in the container: as given, else the only one that there is."""
    given = values(block, blocks).get("port") or containers.port(block.service)
    if given is None and block.is_variant:
        return containers.port(blocks[block.stable].service)
    return given


def variants(stable: Block, blocks: Blocks) -> tuple[Block, ...]:
    """A service's block, then those of its variants."""
    others = (one for one in blocks.values() if one.is_variant and one.stable == stable.name)
    return (stable, *others)


def weights(stable: Block, blocks: Blocks) -> dict[str, int]:
    """The parts of the requests that the file gives to a service and its variants.

    The service's own is below 0 where its variants have more than there is.
    """
    first, *others = variants(stable, blocks)
    found = {one.name: one.own.get("weight", 0) for one in others}
    return {first.name: first.own.get("weight", _WHOLE - sum(found.values())), **found}


_WHOLE = 100
