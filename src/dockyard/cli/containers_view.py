"""Containers as the rows of ``ps``. Pure."""

from __future__ import annotations

import msgspec

from dockyard.cli import ports_view, units
from dockyard.cli.labelled import LabelledRow
from dockyard.cli.table import ellipsis
from dockyard.containers import spec_network
from dockyard.containers.model import Container
from dockyard.containers.sizes import Sizes

TITLES = {
    "ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED", "Ports": "PORTS", "State": "STATE", "Status": "STATUS",
    "Names": "NAMES", "Labels": "LABELS", "Mounts": "MOUNTS", "Networks": "NETWORKS",
    "LocalVolumes": "LOCAL VOLUMES", "Size": "SIZE", "Platform": "PLATFORM",
}  # fmt: skip

COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")

_COMMAND_LENGTH = 20
_LAST_PORT = 65535


class Shown(msgspec.Struct, frozen=True):
    """A container with what its row needs beside the record."""

    container: Container
    ports: tuple[ports_view.Port, ...] = ()
    """Published and exposed ones."""
    sizes: Sizes | None = None
    """What it takes on disk, where that was asked for."""
    health: str | None = None
    """What its health check says, where it has one."""


def row(shown: Shown, now: int, *, cut: bool = True) -> LabelledRow:
    """A container's fields.

    Args:
        now: nanoseconds since 1970.
        cut: shorten id and command as in a table.
    """
    one = shown.container
    words = " ".join(f"'{arg}'" if " " in arg else arg for arg in one.args)
    mounts = [mount.source or "" for mount in one.mounts if mount.kind != "tmpfs"]
    fields = {
        "ID": one.short_id if cut else one.id,
        "Image": one.image_name,
        "Command": _quoted(ellipsis(words, _COMMAND_LENGTH) if cut else words),
        "CreatedAt": units.local_time(one.created),
        "RunningFor": units.since(one.created, now),
        "Ports": ports_view.text(shown.ports),
        "Platform": "linux",
        "State": one.shown_state,
        "Status": status(one, now, shown.health),
        "Names": one.name,
        "Mounts": ",".join(_mount_name(mount, cut=cut) for mount in mounts),
        "Networks": ",".join(spec_network.names(one.options.networking)),
        "LocalVolumes": str(sum(mount.kind == "volume" for mount in one.mounts)),
        "Size": _size(shown.sizes),
    }
    return LabelledRow(fields, one.labels)


def _size(sizes: Sizes | None) -> str:
    if sizes is None:
        return ""
    whole = units.decimal_size(sizes.written + sizes.image)
    return f"{units.decimal_size(sizes.written)} (virtual {whole})"


def status(container: Container, now: int, health: str | None = None) -> str:
    """``Up 3 minutes``, ``Exited (0) 2 minutes ago``, ``Created``..."""
    match container.shown_state:
        case "running":
            words = {"healthy": " (healthy)", "unhealthy": " (unhealthy)", None: ""}
            check = words.get(health, f" (health: {health})")
            return f"Up {units.elapsed(container.started, now)}{check}"
        case "paused":
            return f"Up {units.elapsed(container.started, now)} (Paused)"
        case "restarting":
            return f"Restarting ({container.exit_code}) {units.since(container.finished, now)}"
        case "exited":
            return f"Exited ({container.exit_code}) {units.since(container.finished, now)}"
        case "removing":
            return "Removal In Progress"
        case _:
            return "Created"


def _mount_name(source: str, *, cut: bool) -> str:
    return ellipsis(source, 15) if cut else source


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'
