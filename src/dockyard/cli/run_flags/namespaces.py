"""Namespaces, and the kernel's settings in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.containers.options import Namespaces

DECLARED = ()

NOT_YET: dict[str, str | None] = {
    "--cgroupns=": None,
    "--ipc=": None,
    "--pid=": None,
    "--sysctl=": None,
    "--userns=": None,
    "--uts=": None,
}


def make(_values: Mapping[str, Any]) -> Namespaces:
    """The namespaces asked for."""
    return Namespaces()
