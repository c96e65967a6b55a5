"""Namespaces, and the kernel's settings in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import notation, several, text
from dockyard.containers.options import Namespaces

DECLARED = (
    text("--cgroupns", help="Cgroup namespace to use (host|private)"),
    text("--ipc", help="IPC mode to use (private|shareable|none|host|container:NAME)"),
    text("--pid", help="PID namespace to use (host|container:NAME)"),
    several("--sysctl", kind="map", read=notation("parse_sysctl"), help="Sysctl options"),
    text("--userns", help="User namespace to use (host)"),
    text("--uts", help="UTS namespace to use (host)"),
)


def make(values: Mapping[str, Any]) -> Namespaces:
    """The namespaces asked for."""
    return Namespaces(
        pid=values["pid"] or None,
        ipc=values["ipc"] or None,
        uts=values["uts"] or None,
        user=values["userns"] or None,
        cgroup=values["cgroupns"] or None,
        sysctls=dict(values["sysctl"]),
    )
