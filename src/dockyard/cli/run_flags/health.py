"""Health checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.containers.options import HealthOptions

DECLARED = ()

NOT_YET: dict[str, str | None] = {
    "--health-cmd=": None,
    "--health-interval=": None,
    "--health-retries=": None,
    "--health-start-interval=": None,
    "--health-start-period=": None,
    "--health-timeout=": None,
    "--no-healthcheck": None,
}


def make(_values: Mapping[str, Any]) -> HealthOptions:
    """The health check asked for."""
    return HealthOptions()
