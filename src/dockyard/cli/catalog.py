"""The table of commands: names and summaries, so that help needs to import none of them."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import NamedTuple

PROGRAM = "dockyard"


class Entry(NamedTuple):
    """A command; ``name`` has two words for one in a group. Its module is named after it."""

    name: str
    summary: str
    common: bool = False
    same_as: str = ""
    """The command that this is another name for."""

    @property
    def module(self) -> str:
        """Where its ``command`` is."""
        module = (self.same_as or self.name).replace(" ", "_")
        return f"dockyard.cli.commands.{module}{'_' if keyword.iskeyword(module) else ''}"


ENTRIES = (
    Entry("run", "Create and run a new container from an image", common=True),
    Entry("exec", "Execute a command in a running container", common=True),
    Entry("ps", "List containers", common=True),
    Entry("build", "Build an image from a Dockerfile", common=True),
    Entry("bootstrap", "Make a base image from the distribution's packages", common=True),
    Entry("images", "List images", common=True),
    Entry("doctor", "Check the components and this host", common=True),
    Entry("version", "Show the version information", common=True),
    Entry("info", "Display system-wide information", common=True),
    Entry("audit", "Check host, images and containers against the CIS Docker Benchmark"),
    Entry(
        "attach", "Attach local standard input, output, and error streams to a running container"
    ),
    Entry("builder du", "Disk usage"),
    Entry("builder prune", "Remove build cache"),
    Entry("commit", "Create a new image from a container's changes"),
    Entry("container inspect", "Display detailed information on one or more containers"),
    Entry("container prune", "Remove all stopped containers"),
    Entry("cp", "Copy files/folders between a container and the local filesystem"),
    Entry("create", "Create a new container"),
    Entry("diff", "Inspect changes to files or directories on a container's filesystem"),
    Entry("events", "Get real time events from the server"),
    Entry("export", "Export a container's filesystem as a tar archive"),
    Entry("history", "Show the history of an image"),
    Entry("image inspect", "Display detailed information on one or more images"),
    Entry("image prune", "Remove unused images"),
    Entry("import", "Import the contents from a tarball to create a filesystem image"),
    Entry("inspect", "Return low-level information on containers and images"),
    Entry("kill", "Kill one or more running containers"),
    Entry("load", "Load an image from a tar archive or STDIN"),
    Entry("logs", "Fetch the logs of a container"),
    Entry("network connect", "Connect a container to a network"),
    Entry("network create", "Create a network"),
    Entry("network disconnect", "Disconnect a container from a network"),
    Entry("network inspect", "Display detailed information on one or more networks"),
    Entry("network ls", "List networks"),
    Entry("network prune", "Remove all unused networks"),
    Entry("network rm", "Remove one or more networks"),
    Entry("pause", "Pause all processes within one or more containers"),
    Entry("port", "List port mappings or a specific mapping for the container"),
    Entry("rename", "Rename a container"),
    Entry("restart", "Restart one or more containers"),
    Entry("rm", "Remove one or more containers"),
    Entry("rmi", "Remove one or more images"),
    Entry("save", "Save one or more images to a tar archive (streamed to STDOUT by default)"),
    Entry("start", "Start one or more stopped containers"),
    Entry("stats", "Display a live stream of container(s) resource usage statistics"),
    Entry("stop", "Stop one or more running containers"),
    Entry("system boot", "Bring back the containers that restart with the host"),
    Entry("system controller", "Show, stop or read the log of the controller"),
    Entry("system df", "Show disk usage"),
    Entry("system install", "Make the controller a service of systemd"),
    Entry("system prune", "Remove unused data"),
    Entry("system uninstall", "Remove the controller's service"),
    Entry("tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE"),
    Entry("top", "Display the running processes of a container"),
    Entry("unpause", "Unpause all processes within one or more containers"),
    Entry("update", "Update configuration of one or more containers"),
    Entry("volume create", "Create a volume"),
    Entry("volume inspect", "Display detailed information on one or more volumes"),
    Entry("volume ls", "List volumes"),
    Entry("volume prune", "Remove unused local volumes"),
    Entry("volume rm", "Remove one or more volumes"),
    Entry("wait", "Block until one or more containers stop, then print their exit codes"),
)

_SAME = {
    "container": (
        "attach commit cp create diff exec export kill logs ls=ps pause port rename restart rm run"
        " start stats stop top unpause update wait"
    ),
    "image": "build history import load ls=images pull push rm=rmi save tag",
    "system": "events info",
}
"""Docker's second names for commands; one that isn't there has none."""


def _same_commands() -> Iterator[Entry]:
    summaries = {entry.name: entry.summary for entry in ENTRIES}
    for group, names in _SAME.items():
        for name in names.split():
            own, _, other = name.partition("=")
            if (other or own) in summaries:
                yield Entry(f"{group} {own}", summaries[other or own], same_as=other or own)


ALIASES = tuple(_same_commands())

GROUPS = {
    "builder": "Manage builds",
    "container": "Manage containers",
    "image": "Manage images",
    "network": "Manage networks",
    "system": "Manage Dockyard",
    "volume": "Manage volumes",
}


def find(name: str) -> Entry | None:
    """The entry of a command."""
    return next((entry for entry in (*ENTRIES, *ALIASES) if entry.name == name), None)
