"""Where Dockyard departs from Docker on purpose, and why; for docs/compatibility.md."""

from __future__ import annotations

_DAEMON = "there is no daemon to name"
_TRUST = "Docker's Notary is retired"
_ATTEST = "attestations come with signing"
_SWARM = "one machine only; Kubernetes is for more"

DIFFERENT: dict[str, str] = {
    "build --call": "build and check, not outline and targets",
    "build --output": "no compression and no registry yet",
    "build --secret": "a variable that isn't set is an error, not an empty secret",
    "kill": "HUP, USR1 and other signals that don't mean the end leave the restart policy in force",
    "logs": "on disk is the Kubernetes format (CRI), and a full file gets a higher number;"
    " sizes are looked at up to 20 times a second, so a file may pass max-size",
    "run": "11 capabilities instead of 14, and no_new_privileges; docs/security.md names the flags"
    " that give back the rest",
    "run --health-cmd": "the status is unknown while no controller checks",
    "run --restart": "a restart that can't be done is tried again, as after a failure",
    "run --gpus": "by CDI alone (docs/gpus.md); no hook or runtime of NVIDIA's",
    "run --security-opt": "label= only as label=disable, writable-cgroups only on cgroup v2",
    "run --platform": "picks nothing from a registry: the image at hand has to fit",
    "run --volume-driver": "local",
    "create --health-cmd": "the status is unknown while no controller checks",
    "create --restart": "a restart that can't be done is tried again, as after a failure",
    "create --gpus": "by CDI alone (docs/gpus.md); no hook or runtime of NVIDIA's",
    "create --security-opt": "label= only as label=disable, writable-cgroups only on cgroup v2",
    "create --platform": "picks nothing from a registry: the image at hand has to fit",
    "create --volume-driver": "local",
}
"""A command (``logs``), a flag of one (``run --log-driver``) or an instruction to what differs."""

REFUSED: dict[str, str] = {
    "--disable-content-trust": _TRUST,
    "--builder": _DAEMON,
    "-D": "it is an option of the program: dockyard --debug",
    "--debug": "it is an option of the program: dockyard --debug",
    "--isolation": "for Windows",
    "--kernel-memory": "the kernel has dropped it",
    "--use-api-socket": _DAEMON,
    "--attest": _ATTEST,
    "--provenance": _ATTEST,
    "--sbom": _ATTEST,
    "bake": "stacks are built by Compose",
    "buildx": "the builder is built in: dockyard build, dockyard builder",
    "checkpoint": "",
    "create --attach": "start -a attaches both outputs, start -i the input",
    "config": _SWARM,
    "context": _DAEMON,
    "node": _SWARM,
    "plugin": _DAEMON,
    "secret": _SWARM,
    "service": _SWARM,
    "stack": _SWARM,
    "swarm": _SWARM,
    "trust": _TRUST,
}
"""Why something isn't there: by command, by flag of one command, or by flag of all."""
