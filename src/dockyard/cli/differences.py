"""Where Dockyard departs from Docker on purpose, and why; for docs/compatibility.md."""

from __future__ import annotations

_DAEMON = "there is no daemon to name"
_TRUST = "Docker's Notary is retired"
_ATTEST = "attestations come with signing"
_SWARM = "one machine only; Kubernetes is for more"
_DRIVERS = "json-file, local and none; the others send logs to a service"
_LOG_OPTIONS = "no tag, labels-regex, env-regex or max-buffer-size; max-file needs max-size"
_MOUNTS = "types bind, volume and tmpfs"
_PROTOCOLS = "tcp and udp; no sctp"
_OVERLAY = "it is for networks of several machines"
_IPAM = "addresses are given by Dockyard itself"
_LINK = (
    "put both containers on a network of dockyard network create: there they find each other by"
    " name, and --network-alias gives further ones"
)
_INDEXES = "indexes of several platforms are copied (dockyard copy --all), not made here"
_PLATFORM = "an image is for one platform: build one for each, each with a name of its own"
_QUOTA = "a quota of a container's files is XFS's alone; put what grows on a volume of its own size"

DIFFERENT: dict[str, str] = {
    "build --build-context": "no oci-layout://; load takes such an image, docker-image:// names it",
    "build --cache-from": "type=local and type=registry, of caches that this builder wrote",
    "build --cache-to": "type=local and type=registry; no inline, gha, s3, azblob",
    "build --output": "compression for what is pushed alone, and no force-compression; name= for"
    " images alone; type=local leaves out device nodes,"
    " setuid and setgid bits and capabilities of files, which would give rights on this host",
    "import": "no URL: curl URL | dockyard import -",
    "build --secret": "a variable that isn't set is an error, not an empty secret",
    "compose attach": "who only watches is shown the log, as with attach",
    "compose build": "images are for one platform; caches are directories (type=local)",
    "compose build --memory": "it has no effect, as with BuildKit, and a warning says so",
    "compose config": "a block x-dockyard that makes no sense is refused (docs/serving.md)",
    "compose config --resolve-image-digests": "registries are asked, not a daemon",
    "compose cp --archive": "out of a container owners are kept, which Docker 28 doesn't do",
    "compose events": "kept are the last 10,000 of seven days at most",
    "compose logs": "what there is already is sorted by time, over all containers",
    "compose images": "a service that isn't there is refused",
    "compose top": "a service that isn't there is refused",
    "compose up": "changed networks stay where services are on them that the command doesn't name",
    "compose up --menu": "there is no menu of keys, and a warning says so",
    "compose version": "it is Dockyard's; what is kept to is Docker Compose 2.40.3",
    "commit": "directories that the engine made as mount points stay out of the image",
    "cp --archive": "out of a container owners are kept, which Docker 28 doesn't do",
    "create": "what can be seen to fail, such as an unknown network, is refused at once, and not"
    " by the start",
    "events": "kept are the last 10,000 of seven days at most; there is no daemon to tell of",
    "exec --detach": "the end (exec_die) is not among the events: nobody waits for it",
    "inspect": "fields that only a daemon, a plugin or a swarm could fill are missing",
    "ps --filter": "no is-task, which asks for a swarm's containers",
    "rmi": "untagged parents stay, as with --no-prune; image prune removes them",
    "login": "no device code in a browser for Docker Hub, and no helper is chosen unasked",
    "info": "of the root and the host; a daemon's and a swarm's lines are missing",
    "version": "one program, so there is no server to tell of",
    "network create": "glibc finds a name for another container's address (gethostbyaddr) only with"
    " an aardvark-dns newer than Debian 12's 1.4",
    "network create --driver": "bridge",
    "volume create --opt": "type=none, o=bind and device= together; images fill it without"
    " setuid and setgid bits, capabilities of files and device nodes",
    "volume create --driver": "local",
    "stats": "into a pipe or a file go lines alone, without the control characters of a terminal",
    "kill": "HUP, USR1 and other signals that don't mean the end leave the restart policy in force",
    "logs": "on disk is the Kubernetes format (CRI), and a full file gets a higher number;"
    " sizes are looked at 20 times a second, so that a log may pass its limit by what is written"
    " meanwhile, until that is cut down to the newest lines",
    "run": "11 capabilities instead of 14, and no_new_privileges; docs/security.md names the flags"
    " that give back the rest",
    "run --health-cmd": "the status is unknown while no controller checks",
    "run --restart": "a restart that can't be done is tried again, as after a failure",
    "run --gpus": "by CDI alone (docs/gpus.md); no hook or runtime of NVIDIA's",
    "run --security-opt": "label= only as label=disable, writable-cgroups only on cgroup v2",
    "run --cap-drop": "with --privileged too, where Docker ignores it",
    "run --volume": ":z and :Z are refused where the host has SELinux; elsewhere they do"
    " nothing, as in Docker, and :cached and the like nowhere",
    "run --volumes-from": ":z and :Z as with --volume",
    "run --hostname": "a name: letters, digits, '-', '_' and dots, 64 at most",
    "run --platform": "an image that is here has to fit; what is missing is pulled for it",
    "run --volume-driver": "local",
    "run --log-driver": _DRIVERS,
    "run --log-opt": _LOG_OPTIONS,
    "run --mount": _MOUNTS,
    "run --publish": _PROTOCOLS,
    "create --health-cmd": "the status is unknown while no controller checks",
    "create --restart": "a restart that can't be done is tried again, as after a failure",
    "create --gpus": "by CDI alone (docs/gpus.md); no hook or runtime of NVIDIA's",
    "create --security-opt": "label= only as label=disable, writable-cgroups only on cgroup v2",
    "create --cap-drop": "with --privileged too, where Docker ignores it",
    "create --volume": ":z and :Z are refused where the host has SELinux; elsewhere they do"
    " nothing, as in Docker, and :cached and the like nowhere",
    "create --volumes-from": ":z and :Z as with --volume",
    "create --hostname": "a name: letters, digits, '-', '_' and dots, 64 at most",
    "create --platform": "an image that is here has to fit; what is missing is pulled for it",
    "images --all": "there are no intermediate images that it could show besides",
    "build --check": "with --output, --iidfile, --metadata-file or --cache-to it is refused: no"
    " image is built",
    "create --volume-driver": "local",
    "create --log-driver": _DRIVERS,
    "create --log-opt": _LOG_OPTIONS,
    "create --mount": _MOUNTS,
    "create --publish": _PROTOCOLS,
    "network connect --driver-opt": "com.docker.network.endpoint.ifname",
    "network create --opt": "the bridge's name, masquerading, icc, host binding, and the MTU",
}
"""A command (``logs``), a flag of one (``run --log-driver``) or an instruction to what differs."""

REFUSED: dict[str, str] = {
    "--disable-content-trust": _TRUST,
    "--builder": _DAEMON,
    "-D": "it is an option of the program: dockyard --debug",
    "--debug": "it is an option of the program: dockyard --debug",
    "--isolation": "for Windows",
    "--kernel-memory": "kernels have no such limit any more; --memory counts the kernel's too",
    "images --tree": "Docker calls it experimental, and it shows platforms; an image here has one",
    "network connect --link": "containers on one network find each other by name; --alias gives"
    " further ones",
    "--link-local-ip": "addresses come from the network's subnets",
    "network create --attachable": _OVERLAY,
    "network create --config-from": _OVERLAY,
    "network create --config-only": _OVERLAY,
    "network create --ingress": _OVERLAY,
    "network create --scope": _OVERLAY,
    "network create --ipam-driver": _IPAM,
    "network create --ipam-opt": _IPAM,
    "network inspect --verbose": "it tells of services of a swarm",
    "run --link": _LINK,
    "create --link": _LINK,
    "--platform": _PLATFORM,
    "--storage-opt": _QUOTA,
    "build --annotation": "annotations are a registry's: they come with push",
    "--use-api-socket": _DAEMON,
    "--attest": _ATTEST,
    "--provenance": _ATTEST,
    "--sbom": _ATTEST,
    "bake": "stacks are built by Compose",
    "buildx": "the builder is built in: dockyard build, dockyard builder",
    "builder history": "of past builds only the cache is kept: dockyard builder du shows it",
    "builder imagetools": _INDEXES,
    "builder ls": "there is one builder, the root's own",
    "checkpoint": "Docker calls it experimental, and CRIU can't do it for GPUs or open connections",
    "compose bridge": "it makes files for Kubernetes",
    "compose commit": "dockyard commit takes the container's name, which compose ps shows",
    "compose publish": "it stores Compose files in registries; they are small enough for git",
    "manifest": _INDEXES,
    "search": "it searches Docker Hub, for which there is no client yet",
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


def refusal(command: str, flag: str) -> str:
    """Why a command hasn't that flag; empty where nobody said."""
    return REFUSED.get(f"{command} {flag}", REFUSED.get(flag, ""))


def refused(command: str, flag: str) -> tuple[str, str] | None:
    """The full name of a flag that Docker's command has and ours hasn't, and why.

    ``None`` where Docker's hasn't it either.
    """
    from dockyard.cli.docker_surface import COMMANDS

    for names in COMMANDS.get(command, "").split():
        short, _, long = names.rpartition("|")
        if flag in {short, long}:
            return long, refusal(command, long)
    return None
