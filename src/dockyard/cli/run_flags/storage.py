"""Mounts, and the root filesystem."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dockyard.cli.line import one_of, option
from dockyard.cli.run_flags.declare import notation, several, switch
from dockyard.containers.options import Mount


def _volume(text: str) -> Mount:
    from dockyard import arguments

    return arguments.parse_volume(text, os.getcwd())


def _mount(text: str) -> Mount:
    from dockyard import arguments

    return arguments.parse_mount(text, os.getcwd())


def _volumes_from(text: str) -> str:
    from dockyard.containers.spec_mounts import volumes_from

    volumes_from(text)
    return text


def _checked(mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
    if not mounts:
        return ()
    from dockyard import arguments  # none of them is on the path of a run without mounts

    return arguments.check_mounts(mounts)


DECLARED = (
    several("--model", read=notation("parse_model"),
            help="Mount a model read-only (NAME[=TARGET])"),
    several(
        "--mount", kind="mount", read=_mount, help="Attach a filesystem mount to the container"
    ),
    switch("--read-only", help="Mount the container's root filesystem as read only"),
    several("--tmpfs", read=notation("parse_tmpfs"), help="Mount a tmpfs directory"),
    several("-v", "--volume", read=_volume, help="Bind mount a volume"),
    option("--volume-driver", read=one_of(["local"]), metavar="string",
                 help="Optional volume driver for the container (local)"),
    several("--volumes-from", read=_volumes_from,
            help="Mount volumes from the specified container(s)"),
)  # fmt: skip


def make(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the options themselves.

    Raises:
        InvalidInput: two mounts have one target.
    """
    mounts = (*values["volume"], *values["mount"], *values["tmpfs"], *values["model"])
    return {
        "mounts": _checked(mounts),
        "volumes_from": values["volumes_from"],
        "read_only": values["read_only"],
    }
