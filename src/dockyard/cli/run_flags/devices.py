"""Devices of the host, GPUs among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import notation, several
from dockyard.containers.options import DeviceMapping, Devices

DECLARED = (
    several("--device", read=notation("parse_device"),
            help="Add a host device to the container (a path, or a CDI name)"),
    several("--device-cgroup-rule", read=notation("parse_cgroup_rule"),
            help="Add a rule to the cgroup allowed devices list"),
    several("--gpus", kind="gpu-request", read=notation("parse_gpus"),
            help="GPU devices to add to the container ('all' to pass all GPUs)"),
)  # fmt: skip


def make(values: Mapping[str, Any]) -> Devices:
    """The devices asked for."""
    given = values["device"]
    return Devices(
        mappings=tuple(one for one in given if isinstance(one, DeviceMapping)),
        cdi=tuple(one for one in given if isinstance(one, str)),
        cgroup_rules=values["device_cgroup_rule"],
        gpus=values["gpus"],
    )
