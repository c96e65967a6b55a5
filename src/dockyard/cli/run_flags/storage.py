"""Mounts, and the root filesystem."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dockyard import arguments
from dockyard.cli.run_flags.declare import several, switch
from dockyard.containers.options import Mount


def _volume(text: str) -> Mount:
    return arguments.parse_volume(text, os.getcwd())


def _mount(text: str) -> Mount:
    return arguments.parse_mount(text, os.getcwd())


DECLARED = (
    several(
        "--mount", kind="mount", read=_mount, help="Attach a filesystem mount to the container"
    ),
    switch("--read-only", help="Mount the container's root filesystem as read only"),
    several("--tmpfs", read=arguments.parse_tmpfs, help="Mount a tmpfs directory"),
    several("-v", "--volume", read=_volume, help="Bind mount a volume"),
)  # fmt: skip

NOT_YET: dict[str, str | None] = {
    "--storage-opt=": None,
    "--volume-driver=": None,
    "--volumes-from=": None,
}


def make(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the options themselves.

    Raises:
        InvalidInput: two mounts have one target.
    """
    mounts = (*values["volume"], *values["mount"], *values["tmpfs"])
    return {"mounts": arguments.check_mounts(mounts), "read_only": values["read_only"]}
