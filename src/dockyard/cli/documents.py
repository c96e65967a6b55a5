"""Containers and images as the documents of ``inspect``, in Docker's structure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dockyard.cli import networks_view, ports_view
from dockyard.cli.host_config import host_config
from dockyard.cli.units import NEVER, timestamp
from dockyard.containers import spec_mounts, spec_network
from dockyard.containers.health.model import Report
from dockyard.containers.model import Container, Mount
from dockyard.images.model import Image
from dockyard.networks.model import DEFAULT_NETWORK, Endpoint
from dockyard.oci.image import ExecutionConfig, Healthcheck, ImageConfig
from dockyard.oci.reference import Reference
from dockyard.state.paths import Paths

Document = dict[str, Any]


def container_document(
    container: Container,
    image: ExecutionConfig | None,
    endpoints: Sequence[Endpoint],
    paths: Paths,
    health: Report | None = None,
) -> Document:
    """What Docker says of a container.

    Args:
        image: its image's configuration.
        endpoints: its places in networks while it runs.
    """
    base = paths.container(container.id)
    running = container.running
    exposed = ports_view.exposed(container, (image or ExecutionConfig()).exposed_ports)
    return {
        "Id": container.id,
        "Created": timestamp(container.created),
        "Path": container.args[0] if container.args else "",
        "Args": list(container.args[1:]),
        "State": _state(container, health),
        "Image": container.image_id,
        "ResolvConfPath": f"{base}/resolv.conf",
        "HostnamePath": f"{base}/hostname",
        "HostsPath": f"{base}/hosts",
        "LogPath": "" if container.log.driver == "none" else f"{base}/container.log",
        "Name": f"/{container.name}",
        "RestartCount": container.restarts.count,
        "Driver": "overlay",
        "Platform": "linux",
        "HostConfig": host_config(container),
        "GraphDriver": {
            "Data": {
                "MergedDir": f"{base}/root",
                "UpperDir": f"{base}/upper",
                "WorkDir": f"{base}/work",
            },
            "Name": "overlay",
        },
        "Mounts": [_mount(mount, paths) for mount in container.mounts],
        "Config": _config(container, image or ExecutionConfig()),
        "NetworkSettings": _network(container, endpoints if running else (), exposed),
    }


def image_document(image: Image) -> Document:
    """What Docker says of an image."""
    return {
        "Id": image.id,
        "RepoTags": [Reference.parse(name).familiar for name in image.names],
        "RepoDigests": [Reference.parse(name).familiar for name in image.digests],
        **config_document(image.config, image.size),
        "Metadata": {"LastTagTime": NEVER, "LocalBuildTime": timestamp(image.built)},
    }


def config_document(config: ImageConfig, size: int) -> Document:
    """What an image's configuration says; ``size`` is that of its layers in bytes."""
    return {
        "Comment": config.history[-1].comment if config.history else "",
        "Created": config.created or NEVER,
        "Author": config.author,
        "Architecture": config.architecture,
        "Variant": config.variant,
        "Os": config.os,
        "Size": size,
        "Config": execution_document(config.config),
        "RootFS": {"Type": "layers", "Layers": list(config.rootfs.diff_ids)},
    }


def _state(container: Container, health: Report | None) -> Document:
    restarting = container.shown_state == "restarting"
    document: Document = {
        "Status": container.shown_state,
        "Running": container.running or restarting,
        "Paused": container.paused,
        "Restarting": restarting,
        "OOMKilled": container.oom_killed,
        "ShmFull": container.shm_full,
        "Dead": False,
        "Pid": container.process.pid if container.running and container.process else 0,
        "ExitCode": container.exit_code,
        "Error": container.error,
        "StartedAt": timestamp(container.started),
        "FinishedAt": timestamp(container.finished),
    }
    if health is not None:
        document["Health"] = {
            "Status": health.status,
            "FailingStreak": health.failing_streak,
            "Log": [
                {"Start": timestamp(one.start), "End": timestamp(one.end),
                 "ExitCode": one.exit_code, "Output": one.output}
                for one in health.log
            ],
        }  # fmt: skip
    return document


def _config(container: Container, image: ExecutionConfig) -> Document:
    """The image's configuration with the user's options on top."""
    options = container.options
    document = execution_document(image)
    if container.healthcheck is not None:
        document["Healthcheck"] = _healthcheck(container.healthcheck)
    names = {entry.partition("=")[0] for entry in options.env}
    inherited = [entry for entry in image.env if entry.partition("=")[0] not in names]
    exposed: Document = {
        f"{port.container_port}/{port.protocol}": {} for port in options.networking.ports
    } | {port: {} for port in options.networking.exposed_ports}
    return document | {
        "Hostname": options.hostname or container.short_id,
        "Domainname": options.domainname or "",
        "User": options.user or image.user,
        "AttachStdin": options.console.stdin_once,
        "Tty": options.console.tty,
        "OpenStdin": options.console.interactive,
        "StdinOnce": options.console.stdin_once,
        "ExposedPorts": dict(sorted({**image.exposed_ports, **exposed}.items())),
        "Env": [*options.env, *inherited],
        "Cmd": _list(image.cmd if options.command is None and options.entrypoint is None
                     else options.command),
        "Image": container.image_name,
        "WorkingDir": container.working_dir,
        "Entrypoint": _list(image.entrypoint if options.entrypoint is None else options.entrypoint),
        "Labels": dict(sorted((image.labels | options.labels).items())),
        "StopSignal": container.stop_signal,
        **({} if options.stop_timeout is None else {"StopTimeout": options.stop_timeout}),
    }  # fmt: skip


def execution_document(config: ExecutionConfig) -> Document:
    """What a container of the image runs with, in Docker's names."""
    document: Document = {
        "User": config.user,
        "ExposedPorts": dict(sorted(config.exposed_ports.items())),
        "Env": list(config.env),
        "Cmd": _list(config.cmd),
        "Entrypoint": _list(config.entrypoint),
        "Volumes": dict(sorted(config.volumes.items())) or None,
        "WorkingDir": config.working_dir,
        "Labels": dict(sorted(config.labels.items())),
        "StopSignal": config.stop_signal,
        "Shell": _list(config.shell),
        "OnBuild": _list(config.on_build),
    }
    if config.healthcheck is not None:
        document["Healthcheck"] = _healthcheck(config.healthcheck)
    return document


def _healthcheck(check: Healthcheck) -> Document:
    return {
        "Test": list(check.test), "Interval": check.interval, "Timeout": check.timeout,
        "StartPeriod": check.start_period, "StartInterval": check.start_interval,
        "Retries": check.retries,
    }  # fmt: skip


def _network(
    container: Container, endpoints: Sequence[Endpoint], exposed: Sequence[str]
) -> Document:
    networking = container.options.networking
    names = spec_network.names(networking)
    published = [port for each in endpoints for port in each.ports]
    first = next((each for each in endpoints if each.network == DEFAULT_NETWORK), None)
    return {
        "Ports": ports_view.bindings(ports_view.listed(published, exposed)),
        "Gateway": first.gateway if first else "",
        "IPAddress": first.address if first else "",
        "IPPrefixLen": first.prefix if first else 0,
        "MacAddress": first.mac if first else "",
        "Networks": networks_view.networks_of(container, endpoints, names),
    }


def _mount(mount: Mount, paths: Paths) -> Document:
    document: Document = {"Type": mount.kind}
    source = mount.source or ""
    if mount.kind == "volume":
        document |= {"Name": source, "Driver": "local"}
        source = paths.volume(source)
    if mount.kind == "model":
        document |= {"Name": mount.model, "Digest": source}
        source = paths.model(source)
    return document | {
        "Source": "" if mount.kind == "tmpfs" else source,
        "Destination": mount.target,
        "Mode": "ro" if mount.read_only else "",
        "RW": not mount.read_only,
        "Propagation": spec_mounts.propagation(mount),
    }


def _list(words: Sequence[str] | None) -> list[str] | None:
    return None if words is None else list(words)
