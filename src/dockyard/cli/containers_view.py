"""Containers as the rows of ``ps``. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from dockyard.cli import units
from dockyard.cli.table import ellipsis
from dockyard.containers.model import Container
from dockyard.networks.model import PortMapping

TITLES = {
    "ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED", "Ports": "PORTS", "State": "STATE", "Status": "STATUS",
    "Names": "NAMES", "Labels": "LABELS", "Mounts": "MOUNTS", "Networks": "NETWORKS",
    "LocalVolumes": "LOCAL VOLUMES",
}  # fmt: skip
COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
FILTERS = ("ancestor", "exited", "id", "label", "name", "network", "status", "volume")

_COMMAND_LENGTH = 20


class Shown(msgspec.Struct, frozen=True):
    """A container with what its row needs beside the record."""

    container: Container
    ports: tuple[PortMapping, ...] = ()
    exposed: tuple[str, ...] = ()
    """``PORT/PROTOCOL`` of the image's EXPOSE."""


def row(shown: Shown, now: int, *, cut: bool = True) -> dict[str, str]:
    """A container's fields.

    Args:
        now: nanoseconds since 1970.
        cut: shorten id and command as in a table.
    """
    one = shown.container
    words = " ".join(f"'{arg}'" if " " in arg else arg for arg in one.args)
    mounts = [mount.source or "" for mount in one.mounts if mount.kind != "tmpfs"]
    return {
        "ID": one.short_id if cut else one.id,
        "Image": one.image_name,
        "Command": _quoted(ellipsis(words, _COMMAND_LENGTH) if cut else words),
        "CreatedAt": units.local_time(one.created),
        "RunningFor": units.since(one.created, now),
        "Ports": ports_text(shown.ports, shown.exposed),
        "State": one.shown_state,
        "Status": status(one, now),
        "Names": one.name,
        "Labels": ",".join(f"{k}={v}" for k, v in sorted(one.options.labels.items())),
        "Mounts": ",".join(_mount_name(mount, cut=cut) for mount in mounts),
        "Networks": one.options.networking.network,
        "LocalVolumes": str(sum(mount.kind == "volume" for mount in one.mounts)),
    }


def status(container: Container, now: int) -> str:
    """``Up 3 minutes``, ``Exited (0) 2 minutes ago``, ``Created``..."""
    match container.shown_state:
        case "running":
            health = " (health: not checked)" if container.has_healthcheck else ""
            return f"Up {units.elapsed(container.started, now)}{health}"
        case "restarting":
            return f"Restarting ({container.exit_code}) {units.since(container.finished, now)}"
        case "exited":
            return f"Exited ({container.exit_code}) {units.since(container.finished, now)}"
        case "removing":
            return "Removal In Progress"
        case _:
            return "Created"


def ports_text(ports: Iterable[PortMapping], exposed: Iterable[str] = ()) -> str:
    """``0.0.0.0:8000->80/tcp, 443/tcp``, in the order of the container's ports."""
    published = {
        (port.container_port, port.protocol, port.host_ip, port.host_port): port_text(port)
        for port in ports
    }
    taken = {(number, protocol) for number, protocol, _, _ in published}
    for text in exposed:
        number, _, protocol = text.partition("/")
        kind = protocol or "tcp"
        if number.isdecimal() and (int(number), kind) not in taken:
            published[int(number), kind, "", 0] = f"{number}/{kind}"  # type: ignore[index]  # any protocol may be exposed
    return ", ".join(published[key] for key in sorted(published))


def port_text(port: PortMapping) -> str:
    """One published port."""
    return f"{port.host_ip}:{port.host_port}->{port.container_port}/{port.protocol}"


def matching(
    containers: Iterable[Container],
    filters: Sequence[tuple[str, str]],
    image_ids: Callable[[str], str | None],
) -> list[Container]:
    """Those that fit: one of the values of every filter.

    Args:
        image_ids: the id of the image that a name means.
    """
    wanted: dict[str, list[str]] = {}
    for name, value in filters:
        resolved = (image_ids(value) or value) if name == "ancestor" else value
        wanted.setdefault(name, []).append(resolved)
    return [
        one
        for one in containers
        if all(any(_fits(one, name, v) for v in values) for name, values in wanted.items())
    ]


def _fits(container: Container, name: str, value: str) -> bool:
    match name:
        case "ancestor":
            return value in {container.image_id, container.image_name}
        case "exited":
            return container.state == "exited" and str(container.exit_code) == value
        case "id":
            return container.id.startswith(value)
        case "label":
            key, equals, wanted = value.partition("=")
            labels = container.options.labels
            return key in labels and (not equals or labels[key] == wanted)
        case "name":
            return value.removeprefix("/") in container.name
        case "network":
            return container.options.networking.network == value
        case "volume":
            return any(value in {mount.source, mount.target} for mount in container.mounts)
    return container.shown_state == value


def _mount_name(source: str, *, cut: bool) -> str:
    return ellipsis(source, 15) if cut else source


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'
