"""What ``run`` and ``create`` do before there is a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from dockyard.cli import render
from dockyard.cli.run_options import check_cidfile, make_options
from dockyard.containers.model import Container, Options
from dockyard.decoding import natural
from dockyard.errors import NotFound
from dockyard.images.model import Image
from dockyard.networks.model import HOST_NETWORK, NO_NETWORK, PortMapping, Protocol

if TYPE_CHECKING:
    from dockyard.engine import Engine
    from dockyard.images.store import Resolution

_PORTS = 1 << 16
_FAILED = 125
"""Docker's exit code where nothing was run."""


def ask(
    engine: Engine, image: str, arguments: tuple[str, ...], values: Mapping[str, Any]
) -> tuple[Image, Options]:
    """The image and the options that a command line means.

    Says which image a short name turned out to be, and which options have no effect.
    """
    options = make_options(values, arguments)
    check_cidfile(values["cidfile"])
    resolution = _resolve(engine, image, values)
    if resolution.note and not values["quiet"]:
        render.print_note(resolution.note)
    if values["publish_all"]:
        options = publish_all(options, resolution.image)
    _bring_models(engine, options, values)
    if options.networking.ports and options.networking.network in {HOST_NETWORK, NO_NETWORK}:
        render.print_warning(
            f"published ports are discarded when using {options.networking.network} network mode"
        )
    return resolution.image, options


def _resolve(engine: Engine, image: str, values: Mapping[str, Any]) -> Resolution:
    """What is meant by the image's name: pulled where it isn't here, by ``--pull``."""
    error = None
    try:
        resolution = engine.images.resolve(image)
        if values["pull"] != "always" and not _is_other(resolution, values["platform"]):
            return resolution
    except NotFound as missing:
        if values["pull"] == "never":
            missing.exit_code = 125
            raise
        error = missing
    from dockyard.cli import missing as absent  # with all that talks to registries

    return absent.pull(
        engine, image, error, platform=values["platform"], quiet=values["quiet"]
    )  # fmt: skip


def _is_other(resolution: Resolution, platform: str | None) -> bool:
    """Whether it is for another platform than the one asked for, and has a registry to ask."""
    if platform is None or resolution.reference is None or resolution.note:
        return False
    from dockyard.images import platforms

    return bool(resolution.image.digests) and not platforms.fits(
        resolution.image.config, platforms.wanted(platform)
    )


def _bring_models(engine: Engine, options: Options, values: Mapping[str, Any]) -> None:
    """Pulls models that are to be mounted, by ``--pull``."""
    names = [mount.source or "" for mount in options.mounts if mount.kind == "model"]
    if not names or values["pull"] == "never":
        return
    from dockyard.cli import missing  # with all that talks to registries
    from dockyard.cli.options import failing

    for name in dict.fromkeys(names):
        is_here = engine.models.has(name)
        if values["pull"] == "always" or not is_here:
            with failing(_FAILED):
                missing.pull_model(engine, name, is_here=is_here, quiet=values["quiet"])


def write_cidfile(path: str | None, container: Container) -> None:
    """Writes the container's id to a file that isn't there yet."""
    if path is not None:
        with open(path, "x", encoding="ascii") as stream:
            stream.write(container.id)


def publish_all(options: Options, image: Image) -> Options:
    """The options with every exposed port of the image published that isn't yet."""
    published = {(port.container_port, port.protocol) for port in options.networking.ports}
    found = []
    exposed_ports = {*image.config.config.exposed_ports, *options.networking.exposed_ports}
    for exposed in sorted(exposed_ports):
        number, _, protocol = exposed.partition("/")
        if protocol not in {"", "tcp", "udp"}:
            render.print_warning(f"port {exposed} is not published: {protocol} is not supported")
            continue
        kind: Protocol = "udp" if protocol == "udp" else "tcp"
        wanted = natural(number, _PORTS - 1)
        if not wanted:
            render.print_warning(f"port {exposed} is not published: it is no port")
        elif (wanted, kind) not in published:
            found.append(PortMapping(container_port=wanted, protocol=kind))
    networking = msgspec.structs.replace(
        options.networking, ports=(*options.networking.ports, *found)
    )
    return msgspec.structs.replace(options, networking=networking)
