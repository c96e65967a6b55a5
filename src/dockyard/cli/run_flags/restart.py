"""Restart policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import notation, parsed
from dockyard.containers.options import Restart

DECLARED = (
    parsed("--restart", kind="string", read=notation("parse_restart"),
           help="Restart policy to apply when a container exits"
           " (no, on-failure[:N], always, unless-stopped)"),
)  # fmt: skip


def make(values: Mapping[str, Any]) -> Restart:
    """What is to happen after the container's end."""
    restart: Restart | None = values["restart"]
    return restart or Restart()
