"""``run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from dockyard.cli import render
from dockyard.cli.command import define, with_engine
from dockyard.cli.foreground import streams
from dockyard.cli.run_options import check_cidfile, make_options, run_options
from dockyard.containers.model import Container, Options
from dockyard.images.model import Image
from dockyard.networks.model import PortMapping, Protocol

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("run", "[OPTIONS] IMAGE [COMMAND] [ARG...]", options_end_at_argument=True)
@run_options
@click.argument("image")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_engine
def command(engine: Engine, /, image: str, arguments: tuple[str, ...], **values: Any) -> int:
    """Runs a container; the exit code is the program's, or 0 where it goes on alone."""
    cidfile: str | None = values["cidfile"]
    options = make_options(values, arguments)
    check_cidfile(cidfile)
    resolution = engine.images.resolve(image)
    if resolution.note and not values["quiet"]:
        render.print_note(resolution.note)
    if values["publish_all"]:
        options = publish_all(options, resolution.image)
    if options.networking.ports and options.networking.network != "bridge":
        render.print_warning(
            f"published ports are discarded when using {options.networking.network} network mode"
        )

    def started(container: Container) -> None:
        if cidfile is not None:
            with open(cidfile, "x", encoding="ascii") as stream:
                stream.write(container.id)

    if values["detach"]:
        container = engine.containers.run(resolution.image, image, options)
        started(container)
        click.echo(container.id)
        return 0
    attached = streams(
        interactive=options.console.interactive, proxy=values["sig_proxy"], on_start=started
    )
    return engine.containers.run(resolution.image, image, options, attached).exit_code


def publish_all(options: Options, image: Image) -> Options:
    """The options with every exposed port of the image published that isn't yet."""
    published = {(port.container_port, port.protocol) for port in options.networking.ports}
    found = []
    exposed_ports = {*image.config.config.exposed_ports, *options.networking.exposed_ports}
    for exposed in sorted(exposed_ports):
        number, _, protocol = exposed.partition("/")
        kind: Protocol = "udp" if protocol == "udp" else "tcp"
        if number.isdecimal() and (int(number), kind) not in published:
            found.append(PortMapping(container_port=int(number), protocol=kind))
    networking = msgspec.structs.replace(
        options.networking, ports=(*options.networking.ports, *found)
    )
    return msgspec.structs.replace(options, networking=networking)
