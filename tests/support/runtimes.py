"""The OCI runtimes that tests can use on this machine."""

from __future__ import annotations

from dockyard.system import process
from dockyard.system.cgroup_layout import read_layout


def usable() -> list[str]:
    """crun takes no hybrid cgroups whose second version has controllers, as ``doctor`` says."""
    layout = read_layout()
    refused = {"crun"} if layout.mode == "hybrid" and layout.unified_controllers else set()
    return [name for name in ("crun", "runc") if process.find(name) and name not in refused]
