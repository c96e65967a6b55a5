"""The programs that Dockyard stands on: what each is for, and which package has it."""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.errors import ComponentFailed
from dockyard.system import process

_VERSION_SECONDS = 5.0

Need = Literal["required", "one of", "optional"]
"""``one of``: at least one of its ``group`` is required."""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A program. ``package`` is Debian's, ``version_argument`` makes it print its version."""

    program: str
    package: str
    purpose: str
    need: Need
    group: str = ""
    version_argument: str = "--version"


class Installed(msgspec.Struct, frozen=True):
    """A component as found on this host; ``path`` is ``None`` where it isn't."""

    component: Component
    path: str | None = None
    version: str = ""


COMPONENTS = (
    Component(
        program="crun", package="crun", need="one of", group="OCI runtime",
        purpose="makes containers (OCI runtime)",
    ),
    Component(
        program="runc", package="runc", need="one of", group="OCI runtime",
        purpose="makes containers where crun can't (hybrid cgroups)",
    ),
    Component(
        program="conmon", package="conmon", need="required",
        purpose="stays with a container: output, log, exit code",
    ),
    Component(
        program="nft", package="nftables", need="required",
        purpose="address translation and published ports",
    ),
    Component(
        program="ip", package="iproute2", need="required", version_argument="-V",
        purpose="bridge and interfaces",
    ),
    Component(
        program="mmdebstrap", package="mmdebstrap", need="optional",
        purpose="makes base images (dockyard bootstrap)",
    ),
    Component(
        program="catatonit", package="catatonit", need="optional",
        purpose="init in a container (run --init)",
    ),
    Component(
        program="aardvark-dns", package="aardvark-dns", need="optional",
        purpose="names between containers",
    ),
)  # fmt: skip


def survey() -> tuple[Installed, ...]:
    """Looks for every component, and asks those that are there for their version."""
    return tuple(_look_for(component) for component in COMPONENTS)


def _look_for(component: Component) -> Installed:
    path = process.find(component.program)
    if path is None:
        return Installed(component)
    return Installed(component, path, version_of(path, component.version_argument))


def version_of(path: str, argument: str = "--version") -> str:
    """The version that a program says it has; ``unknown`` where it doesn't."""
    try:
        done = process.run([path, argument], timeout=_VERSION_SECONDS, check=False)
    except (ComponentFailed, OSError):
        return "unknown"
    return parse_version(done.text or done.stderr.decode())


def parse_version(text: str) -> str:
    """The version in what a program prints: the first word that begins with a digit."""
    for word in text.replace(",", " ").replace("iproute2-", "").split():
        number = word.removeprefix("v")
        if number[:1].isdigit():
            return number
    return "unknown"


def missing(found: tuple[Installed, ...]) -> tuple[Component, ...]:
    """Required components that aren't there; of a group without any, the first."""
    present = {one.component.group for one in found if one.path and one.component.group}
    lacking = [one.component for one in found if one.path is None]
    required = [one for one in lacking if one.need == "required"]
    groups: dict[str, Component] = {}
    for one in lacking:
        if one.need == "one of" and one.group not in present:
            groups.setdefault(one.group, one)
    return (*groups.values(), *required)
