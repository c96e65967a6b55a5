"""Log drivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import several, text
from dockyard.containers.logging.settings import parse_option
from dockyard.containers.options import Logging

DECLARED = (
    text("--log-driver", help="Logging driver for the container"),
    several("--log-opt", help="Log driver options", read=parse_option),
)


def make(values: Mapping[str, Any]) -> Logging:
    """Where output is to be kept."""
    return Logging(driver=values["log_driver"], options=dict(values["log_opt"]))
