"""The OCI runtimes that tests can use on this machine."""

from __future__ import annotations

import re

from dockyard.system import components, process
from dockyard.system.cgroup_layout import read_layout


def usable() -> list[str]:
    """crun takes no hybrid cgroups whose second version has controllers, as ``doctor`` says."""
    layout = read_layout()
    refused = {"crun"} if layout.mode == "hybrid" and layout.unified_controllers else set()
    return [name for name in ("crun", "runc") if process.find(name) and name not in refused]


def leaves_directories_on_the_host() -> bool:
    """Whether the runtime that is taken here makes a mount's target where a link leads that comes
    after it looked: runc before 1.1.14 (CVE-2024-45310)."""
    if usable()[0] != "runc":
        return False
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", components.version_of("runc"))
    return found is not None and tuple(map(int, found.groups())) < (1, 1, 14)
