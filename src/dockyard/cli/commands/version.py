"""``version``. Imports next to nothing: what it costs is what every command costs."""

from __future__ import annotations

import os
import sys

from dockyard._version import __version__
from dockyard.cli import listing, options
from dockyard.cli.command import define
from dockyard.cli.output import say

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
"""As :func:`dockyard.system.host.architecture`, which imports more."""


@define("version")
@options.object_format
def command(*, form: str | None) -> None:
    """Prints versions; there is no server to ask."""
    client = facts()
    if form:
        listing.put(listing.object_text({"Client": client, "Server": None, **client}, form))
        return
    lines = (
        ("Version:", client["Version"]),
        ("Python version:", client["PythonVersion"]),
        ("OS/Arch:", f"{client['Os']}/{client['Arch']}"),
    )
    say("Client:")
    for title, value in lines:
        say(f" {title:<18} {value}")


def facts() -> dict[str, str]:
    """The fields of ``--format``."""
    machine = os.uname().machine
    return {
        "Version": __version__,
        "PythonVersion": ".".join(map(str, sys.version_info[:3])),
        "Os": sys.platform,
        "Arch": _ARCHITECTURES.get(machine, machine),
    }
