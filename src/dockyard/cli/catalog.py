"""The table of commands: names and summaries, so that help needs to import none of them."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import NamedTuple

PROGRAM = "dockyard"


class Entry(NamedTuple):
    """A command; ``name`` begins with its groups, if any. Its module is named after it."""

    name: str
    summary: str
    common: bool = False
    same_as: str = ""
    """The command that this is another name for."""

    @property
    def module(self) -> str:
        """Where its ``command`` is."""
        module = (self.same_as or self.name).replace(" ", "_").replace("-", "_")
        return f"dockyard.cli.commands.{module}{'_' if keyword.iskeyword(module) else ''}"


ENTRIES = (
    Entry("run", "Create and run a new container from an image", common=True),
    Entry("exec", "Execute a command in a running container", common=True),
    Entry("ps", "List containers", common=True),
    Entry("build", "Build an image from a Dockerfile", common=True),
    Entry(
        "bootstrap", "Make base images and services from the distribution's packages", common=True
    ),
    Entry("pull", "Download an image from a registry", common=True),
    Entry("push", "Upload an image to a registry", common=True),
    Entry("images", "List images", common=True),
    Entry("doctor", "Check the components and this host", common=True),
    Entry("version", "Show the version information", common=True),
    Entry("info", "Display system-wide information", common=True),
    Entry("audit", "Check host, images and containers against the CIS Docker Benchmark"),
    Entry(
        "attach", "Attach local standard input, output, and error streams to a running container"
    ),
    Entry("batch cancel", "End one or more batches, which batch resume goes on with"),
    Entry("batch logs", "Show what the containers of a batch wrote to standard error"),
    Entry("batch ls", "List batches"),
    Entry("batch resume", "Go on with a batch that was interrupted, canceled or given up"),
    Entry("batch rm", "Forget one or more batches; their output stays"),
    Entry("batch run", "Give the records of an input to containers, and collect their results"),
    Entry("batch status", "Show how far a batch is, and what it costs"),
    Entry("builder du", "Disk usage"),
    Entry("builder prune", "Remove build cache"),
    Entry("commit", "Create a new image from a container's changes"),
    Entry(
        "compose attach",
        "Attach local standard input, output, and error streams to a service's running container",
    ),
    Entry("compose build", "Build or rebuild services"),
    Entry("compose config", "Parse, resolve and render compose file in canonical format"),
    Entry("compose cp", "Copy files/folders between a service container and the local filesystem"),
    Entry("compose create", "Creates containers for a service"),
    Entry("compose down", "Stop and remove containers, networks"),
    Entry("compose events", "Receive real time events from containers"),
    Entry("compose exec", "Execute a command in a running container"),
    Entry("compose export", "Export a service container's filesystem as a tar archive"),
    Entry("compose images", "List images used by the created containers"),
    Entry("compose kill", "Force stop service containers"),
    Entry("compose logs", "View output from containers"),
    Entry("compose ls", "List running compose projects"),
    Entry("compose pause", "Pause services"),
    Entry("compose port", "Print the public port for a port binding"),
    Entry("compose ps", "List containers"),
    Entry("compose pull", "Pull service images"),
    Entry("compose push", "Push service images"),
    Entry("compose restart", "Restart service containers"),
    Entry("compose rm", "Removes stopped service containers"),
    Entry("compose run", "Run a one-off command on a service"),
    Entry("compose scale", "Scale services"),
    Entry("compose start", "Start services"),
    Entry("compose stats", "Display a live stream of container(s) resource usage statistics"),
    Entry("compose stop", "Stop services"),
    Entry("compose top", "Display the running processes"),
    Entry("compose unpause", "Unpause services"),
    Entry("compose up", "Create and start containers"),
    Entry("compose version", "Show the Docker Compose version information"),
    Entry("compose volumes", "List volumes"),
    Entry("compose wait", "Block until containers of all (or specified) services stop."),
    Entry(
        "compose watch",
        "Watch build context for service and rebuild/refresh containers when files are updated",
    ),
    Entry("container inspect", "Display detailed information on one or more containers"),
    Entry("container prune", "Remove all stopped containers"),
    Entry(
        "copy", "Copy an image from and to HOST/NAME, oci:DIR, oci-archive: or docker-archive:FILE"
    ),
    Entry("cp", "Copy files/folders between a container and the local filesystem"),
    Entry("create", "Create a new container"),
    Entry("diff", "Inspect changes to files or directories on a container's filesystem"),
    Entry("events", "Get real time events from the server"),
    Entry("explain", "Tell how a service stands, and why the last decisions were made"),
    Entry("export", "Export a container's filesystem as a tar archive"),
    Entry("history", "Show the history of an image"),
    Entry("image inspect", "Display detailed information on one or more images"),
    Entry("image prune", "Remove unused images"),
    Entry("import", "Import the contents from a tarball to create a filesystem image"),
    Entry("inspect", "Return low-level information on containers and images"),
    Entry("kill", "Kill one or more running containers"),
    Entry("load", "Load an image from a tar archive or STDIN"),
    Entry("login", "Authenticate to a registry"),
    Entry("logout", "Log out from a registry"),
    Entry("logs", "Fetch the logs of a container"),
    Entry("model inspect", "Display detailed information on one or more models"),
    Entry("model ls", "List models"),
    Entry("model pack", "Make a model of a directory or of files"),
    Entry("model prune", "Remove unused models"),
    Entry("model pull", "Download a model from a registry"),
    Entry("model push", "Upload a model to a registry"),
    Entry("model rm", "Remove one or more models"),
    Entry("model tag", "Give a model another name"),
    Entry("network connect", "Connect a container to a network"),
    Entry("network create", "Create a network"),
    Entry("network disconnect", "Disconnect a container from a network"),
    Entry("network inspect", "Display detailed information on one or more networks"),
    Entry("network ls", "List networks"),
    Entry("network prune", "Remove all unused networks"),
    Entry("network rm", "Remove one or more networks"),
    Entry("pause", "Pause all processes within one or more containers"),
    Entry("port", "List port mappings or a specific mapping for the container"),
    Entry("registry audit", "Show what was done in the registry, and what was refused"),
    Entry("registry gc", "Remove content of a private registry that nothing needs"),
    Entry("registry policy ls", "List the rules"),
    Entry("registry policy rm", "Take back what a user, a group or everybody may"),
    Entry("registry policy set", "Allow a user, a group or everybody something"),
    Entry("registry policy test", "Say whether somebody may do something, and why"),
    Entry("registry serve", "Serve a private registry"),
    Entry("registry stats", "Show what a private registry holds"),
    Entry("registry token create", "Create a robot that logs in with a token"),
    Entry("registry token ls", "List robots and when their tokens expire"),
    Entry("registry token revoke", "Revoke the token of one or more robots"),
    Entry("registry token rotate-key", "Make a new key to sign access tokens with"),
    Entry("registry user add", "Add a user"),
    Entry("registry user ls", "List users"),
    Entry("registry user passwd", "Change the password of a user"),
    Entry("registry user rm", "Remove one or more users"),
    Entry("registry user update", "Change the groups or the state of a user"),
    Entry("rename", "Rename a container"),
    Entry("restart", "Restart one or more containers"),
    Entry("rm", "Remove one or more containers"),
    Entry("rmi", "Remove one or more images"),
    Entry("rollout promote", "Give a rollout's canary all of the traffic"),
    Entry("rollout rollback", "Take a rollout's traffic back to what it was before"),
    Entry("rollout start", "Give a variant more and more traffic, while it is no worse"),
    Entry("rollout status", "Show how the last rollout of a service goes, or went"),
    Entry("save", "Save one or more images to a tar archive (streamed to STDOUT by default)"),
    Entry("scale", "Set how many replicas services may have"),
    Entry("services logs", "Print what the replicas of services wrote"),
    Entry("services ls", "List the services that are served"),
    Entry("services metrics", "Print what is counted of services, as Prometheus scrapes it"),
    Entry("services schema", "Print the JSON schema of x-dockyard, for editors"),
    Entry("services top", "Show what services do, every second"),
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
    Entry("traffic set", "Split a service's traffic between its variants"),
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
    "batch": "Manage batches of records",
    "builder": "Manage builds",
    "compose": "Define and run multi-container applications",
    "container": "Manage containers",
    "image": "Manage images",
    "model": "Manage models",
    "network": "Manage networks",
    "registry": "Manage a private registry",
    "registry policy": "Manage who may do what in a private registry",
    "registry token": "Manage robots and tokens of a private registry",
    "registry user": "Manage users of a private registry",
    "rollout": "Give a new version of a service more and more traffic",
    "services": "Manage services of Compose files that have an x-dockyard block",
    "system": "Manage Dockyard",
    "traffic": "Split traffic between versions of a service",
    "volume": "Manage volumes",
}

FLAGGED = {"compose": "dockyard.cli.compose.flags"}
"""Groups with flags of their own, before the command, and the modules that understand them."""

DEFAULTS = {"services": "services ls"}
"""What groups do that are named alone."""

SHORT = {"up": "compose up", "down": "compose down"}
"""Commands of a group with flags that can be called without the group; its flags come behind."""


def find(name: str) -> Entry | None:
    """The entry of a command."""
    return next((entry for entry in (*ENTRIES, *ALIASES) if entry.name == name), None)
