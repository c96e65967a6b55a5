"""Restart policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.containers.options import Restart

DECLARED = ()

NOT_YET: dict[str, str | None] = {
    "--restart=": None,
}


def make(_values: Mapping[str, Any]) -> Restart:
    """What is to happen after the container's end."""
    return Restart()
