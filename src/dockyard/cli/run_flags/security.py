"""Rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import several, switch
from dockyard.containers.options import Security

DECLARED = (
    several("--cap-add", help="Add Linux capabilities"),
    several("--cap-drop", help="Drop Linux capabilities"),
    switch("--privileged", help="Give extended privileges to this container"),
    several("--security-opt", help="Security options: no-new-privileges[=BOOL],"
            " seccomp=unconfined|builtin|FILE, apparmor=PROFILE, label=disable,"
            " systempaths=unconfined, writable-cgroups[=BOOL]"),
)  # fmt: skip


def make(values: Mapping[str, Any]) -> Security:
    """The rights asked for."""
    return Security(
        privileged=values["privileged"],
        cap_add=values["cap_add"],
        cap_drop=values["cap_drop"],
        options=values["security_opt"],
    )
