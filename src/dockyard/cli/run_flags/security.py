"""Rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import several
from dockyard.containers.options import Security

DECLARED = (
    several("--cap-add", help="Add Linux capabilities"),
    several("--cap-drop", help="Drop Linux capabilities"),
    several("--security-opt", help="Security options: no-new-privileges[=BOOL],"
            " seccomp=unconfined|FILE"),
)  # fmt: skip

NOT_YET: dict[str, str | None] = {
    "--privileged": "add what is needed with --cap-add",
}


def make(values: Mapping[str, Any]) -> Security:
    """The rights asked for."""
    return Security(
        cap_add=values["cap_add"], cap_drop=values["cap_drop"], options=values["security_opt"]
    )
