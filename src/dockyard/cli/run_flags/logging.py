"""Log drivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.containers.options import Logging

DECLARED = ()

NOT_YET: dict[str, str | None] = {
    "--log-driver=": None,
    "--log-opt=": None,
}


def make(_values: Mapping[str, Any]) -> Logging:
    """Where output is to be kept."""
    return Logging()
