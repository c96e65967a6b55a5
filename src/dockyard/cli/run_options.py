"""The options of ``run``: their declarations, and the :class:`Options` that they make."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from dockyard import arguments
from dockyard.cli import options as shared
from dockyard.cli.command import not_yet
from dockyard.containers.model import DEFAULT_SHM_BYTES, Mount, Options
from dockyard.errors import InvalidInput, NotSupported
from dockyard.networks.model import PortMapping


def _publish(text: str) -> tuple[PortMapping, ...]:
    from dockyard.networks.ports import parse_publish  # only where ports are published

    return parse_publish(text)


def _volume(text: str) -> Mount:
    return arguments.parse_volume(text, os.getcwd())


def _mount(text: str) -> Mount:
    return arguments.parse_mount(text, os.getcwd())


def _text(*names: str, kind: str = "string", text: str) -> Any:
    return click.option(*names, metavar=kind, help=text)


def _list(*names: str, text: str, read: Any = None) -> Any:
    callback = None if read is None else shared.reads(read)
    return click.option(*names, metavar="list", help=text, multiple=True, callback=callback)


def _flag(*names: str, text: str) -> Any:
    return click.option(*names, is_flag=True, help=text)


def _read(*names: str, kind: str, text: str, read: Any) -> Any:
    return click.option(*names, metavar=kind, help=text, callback=shared.reads(read))


DECLARED = (
    _list("--cap-add", text="Add Linux capabilities"),
    _list("--cap-drop", text="Drop Linux capabilities"),
    _text("--cidfile", text="Write the container ID to the file"),
    _read("--cpus", kind="decimal", text="Number of CPUs", read=arguments.parse_cpus),
    _flag("-d", "--detach", text="Run container in background and print container ID"),
    _read("--entrypoint", kind="string", text="Overwrite the default ENTRYPOINT of the image",
          read=arguments.parse_entrypoint),
    shared.env,
    shared.env_file,
    _text("-h", "--hostname", text="Container host name"),
    _flag("--init", text="Run an init inside the container that forwards signals and reaps"
          " processes"),
    _flag("-i", "--interactive", text="Keep STDIN open even if not attached"),
    _list("-l", "--label", text="Set meta data on a container", read=arguments.parse_label),
    _list("--label-file", text="Read in a line delimited file of labels"),
    _read("-m", "--memory", kind="bytes", text="Memory limit", read=arguments.parse_size),
    _list("--mount", text="Attach a filesystem mount to the container", read=_mount),
    _text("--name", text="Assign a name to the container"),
    _read("--network", "--net", kind="network", read=arguments.parse_network,
          text="Connect a container to a network: bridge, none or host (default bridge)"),
    click.option("--pids-limit", type=int, metavar="int",
                 help="Tune container pids limit (set -1 for unlimited)"),
    _list("-p", "--publish", text="Publish a container's port(s) to the host", read=_publish),
    _flag("-P", "--publish-all", text="Publish all exposed ports to random ports"),
    click.option("--pull", type=click.Choice(["always", "missing", "never"]), default="missing",
                 metavar="string", help='Pull image before running ("missing" or "never")'),
    _flag("-q", "--quiet", text="Don't say which image a short name resolves to"),
    _flag("--read-only", text="Mount the container's root filesystem as read only"),
    _flag("--rm", text="Automatically remove the container and its anonymous volumes when it"
          " exits"),
    _text("--runtime", text="Runtime to use for this container (a name or a path)"),
    _list("--security-opt", text="Security options: no-new-privileges[=BOOL],"
          " seccomp=unconfined|FILE"),
    _read("--shm-size", kind="bytes", text="Size of /dev/shm", read=arguments.parse_size),
    click.option("--sig-proxy/--no-sig-proxy", default=True, hidden=True),
    _text("--stop-signal", text="Signal to stop the container"),
    _list("--tmpfs", text="Mount a tmpfs directory", read=arguments.parse_tmpfs),
    _list("--ulimit", text="Ulimit options", read=arguments.parse_ulimit),
    _text("-u", "--user", text="Username or UID (format: <name|uid>[:<group|gid>])"),
    _list("-v", "--volume", text="Bind mount a volume", read=_volume),
    _text("-w", "--workdir", text="Working directory inside the container"),
)  # fmt: skip

TERMINAL_HINT = "terminals come with a later version; -i alone keeps the standard input open"

NOT_YET: dict[str, str | None] = {
    "-t, --tty": TERMINAL_HINT,
    "--restart=": None,
    "--gpus=": None,
    "--privileged": "add what is needed with --cap-add",
    "--device=": None,
    **dict.fromkeys(
        (
            "--add-host=", "--annotation=", "-a, --attach=", "--blkio-weight=",
            "--blkio-weight-device=", "--cgroup-parent=", "--cgroupns=", "--cpu-period=",
            "--cpu-quota=", "--cpu-rt-period=", "--cpu-rt-runtime=", "-c, --cpu-shares=",
            "--cpuset-cpus=", "--cpuset-mems=", "--detach-keys=", "--device-cgroup-rule=",
            "--device-read-bps=", "--device-read-iops=", "--device-write-bps=",
            "--device-write-iops=", "--dns=", "--dns-option=", "--dns-search=", "--domainname=",
            "--expose=", "--group-add=", "--health-cmd=", "--health-interval=",
            "--health-retries=", "--health-start-interval=", "--health-start-period=",
            "--health-timeout=", "--ip=", "--ip6=", "--ipc=", "--link=", "--link-local-ip=",
            "--log-driver=", "--log-opt=", "--mac-address=", "--memory-reservation=",
            "--memory-swap=", "--memory-swappiness=", "--network-alias=", "--no-healthcheck",
            "--oom-kill-disable", "--oom-score-adj=", "--pid=", "--platform=",
            "--stop-timeout=", "--storage-opt=", "--sysctl=", "--use-api-socket", "--userns=",
            "--uts=", "--volume-driver=", "--volumes-from=",
        ),
        None,
    ),
}  # fmt: skip
"""What ``docker run`` has and Dockyard doesn't have yet, with a hint where there is one."""

run_options = shared.all_of((not_yet(NOT_YET), *DECLARED))


def make_options(values: Mapping[str, Any], command: tuple[str, ...]) -> Options:
    """The options of a command line whose values the declarations above have read.

    Raises:
        InvalidInput: two mounts have one target, or a file can't be read.
        NotSupported: ``--pull always``.
    """
    if values["pull"] == "always":
        raise NotSupported(
            "--pull always is not supported yet",
            hint="images come from dockyard build and dockyard bootstrap",
            exit_code=125,
        )
    labels: dict[str, str] = {}
    for path in values["label_file"]:
        labels |= arguments.parse_label_file(shared.read_text(path), path)
    mounts = (*values["volume"], *values["mount"], *values["tmpfs"])
    return Options(
        name=values["name"],
        command=command or None,
        entrypoint=values["entrypoint"],
        env=shared.environment(values["env_file"], values["env"]),
        labels=labels | dict(values["label"]),
        hostname=values["hostname"],
        user=values["user"],
        working_dir=values["workdir"],
        mounts=arguments.check_mounts(mounts),
        ports=tuple(port for group in values["publish"] for port in group),
        network=values["network"] or "bridge",
        memory=values["memory"] or None,
        cpus=values["cpus"],
        pids_limit=values["pids_limit"],
        shm_size=values["shm_size"] or DEFAULT_SHM_BYTES,
        ulimits=values["ulimit"],
        cap_add=values["cap_add"],
        cap_drop=values["cap_drop"],
        security=values["security_opt"],
        read_only=values["read_only"],
        init=values["init"],
        interactive=values["interactive"],
        remove=values["rm"],
        stop_signal=values["stop_signal"],
        runtime=values["runtime"],
    )


def check_cidfile(path: str | None) -> None:
    """Raises :class:`InvalidInput` where the file of ``--cidfile`` is there already."""
    if path is not None and os.path.lexists(path):
        raise InvalidInput(
            "container ID file found, make sure the other container isn't running"
            f" or delete {path}",
            exit_code=125,
        )
