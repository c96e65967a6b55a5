"""Devices of the host, GPUs among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.containers.options import Devices

DECLARED = ()

NOT_YET: dict[str, str | None] = {
    "--device-cgroup-rule=": None,
    "--device=": None,
    "--gpus=": None,
}


def make(_values: Mapping[str, Any]) -> Devices:
    """The devices asked for."""
    return Devices()
