"""From options to a record, a directory and a bundle: everything before the first process."""

from __future__ import annotations

import functools
import os
import time

import msgspec

from dockyard.containers import filters, lifecycle, names, spec, users
from dockyard.containers.model import Container, Mount, Options
from dockyard.containers.parts import Parts
from dockyard.containers.runtime import Runtime
from dockyard.errors import InvalidInput
from dockyard.images.model import Image
from dockyard.networks import resolv
from dockyard.networks.model import Endpoint
from dockyard.oci.runtime import Process, Sandbox, SpecMount, runtime_spec
from dockyard.security import paths as guarded
from dockyard.state.paths import unusable
from dockyard.system import cgroups, mounts, process
from dockyard.system.copy import copy_tree
from dockyard.system.files import write_atomically


def new_container(parts: Parts, image: Image, image_name: str, options: Options) -> Container:
    """The record of a container to be. Checks all that can be checked without doing anything.

    Raises:
        InvalidInput, NotSupported, PermissionMissing: the options can't be met.
    """
    config = image.config.config
    container_id = names.new_id()
    args = lifecycle.command_line(
        image_entrypoint=config.entrypoint,
        image_command=config.cmd,
        entrypoint=options.entrypoint,
        command=options.command,
    )
    spec.arguments(args, init=False)
    spec.limits(options, parts.facts)
    mounts_wanted = (*options.mounts, *spec.image_volumes(config, options.mounts))
    spec.check_targets(mounts_wanted)
    profile = read_profile(options)
    spec.rights(options, parts.facts, profile)
    return Container(
        id=container_id,
        name=names.check_name(options.name) if options.name else names.new_name(),
        image_id=image.id,
        image_name=image_name,
        state="creating",
        created=time.time_ns(),
        options=options,
        args=args,
        working_dir=spec.working_directory(options, config),
        stop_signal=options.stop_signal or config.stop_signal or "SIGTERM",
        runtime=parts.runtime(options.runtime).path,
        cgroup=cgroups.cgroup_path(parts.cgroup_layout, parts.paths.root_hash, container_id),
        mounts=mounts_wanted,
        seccomp_profile=profile,
        labels={**config.labels, **options.labels},
        has_healthcheck=bool(config.healthcheck and config.healthcheck.test[:1] != ("NONE",)),
    )


def read_profile(options: Options) -> str:
    """Text of the file that ``--security-opt seccomp=FILE`` names; empty where none is named.

    It is kept with the container, so that a later start has the same filter.
    """
    path = spec.seccomp_file(options)
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"cannot read the seccomp profile {path}: {error}", exit_code=125
        ) from error


def make_directories(parts: Parts, container: Container) -> None:
    """The container's directory (upper, work, root) and bundle. Idempotent."""
    base = parts.paths.container(container.id)
    try:
        for name in ("upper", "work", "root"):
            os.makedirs(f"{base}/{name}", mode=0o755, exist_ok=True)
        os.makedirs(parts.paths.bundle(container.id), mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(base, error) from error


def resolve_mounts(parts: Parts, container: Container) -> tuple[tuple[Mount, ...], tuple[str, ...]]:
    """Gives volumes their names and checks sources.

    Returns:
        The mounts, and the targets of those whose volume is empty and may take the image's content.

    Raises:
        InvalidInput: the source of a ``--mount type=bind`` doesn't exist.
    """
    resolved, fresh = [], []
    for mount in container.mounts:
        if mount.kind == "volume":
            volume, is_new = parts.volumes.ensure(mount.source, container.id)
            fresh += [mount.target] if is_new else []
            resolved.append(msgspec.structs.replace(mount, source=volume.name))
            continue
        if mount.kind == "bind":
            _check_bind(mount)
        resolved.append(mount)
    return tuple(resolved), tuple(fresh)


def _check_bind(mount: Mount) -> None:
    source = mount.source or ""
    if os.path.lexists(source):
        return
    if not mount.create_source:
        raise InvalidInput(
            f"invalid mount config for type bind: bind source path does not exist: {source}",
            hint="make the directory first, or use -v, which makes it",
            exit_code=125,
        )
    try:
        os.makedirs(source, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"cannot make the bind source {source}: {error.strerror}", exit_code=125
        ) from error


def mount_root(parts: Parts, container: Container, image: Image) -> str:
    """Mounts the container's root filesystem; its path."""
    base = parts.paths.container(container.id)
    lowers = parts.layers.paths_of(image.layers)
    if not lowers:  # an image without layers; overlayfs wants at least one
        os.makedirs(f"{base}/empty", mode=0o755, exist_ok=True)
        lowers = (f"{base}/empty",)
    if container.started == 0:
        mounts.begin_upper(f"{base}/upper", lowers)
    mounts.mount_overlay(
        mounts.Overlay(
            target=f"{base}/root",
            lowers=lowers,
            upper=f"{base}/upper",
            work=f"{base}/work",
            volatile=container.options.remove,
        )
    )
    return f"{base}/root"


def fill_volumes(parts: Parts, container: Container, rootfs: str, fresh: tuple[str, ...]) -> None:
    """Copies the image's content into empty volumes, as Docker does, for a new container."""
    if container.started:
        return
    for mount in container.mounts:
        if mount.kind == "volume" and mount.source is not None and mount.target in fresh:
            copy = functools.partial(copy_tree, rootfs, mount.target)
            parts.volumes.fill(mount.source, copy)


def write_bundle(
    parts: Parts,
    container: Container,
    image: Image,
    rootfs: str,
    network: str,
    endpoint: Endpoint | None,
) -> None:
    """Writes ``config.json`` and the files that are mounted into ``/etc``.

    Args:
        network: a namespace's path, or ``host``.
    """
    options, config = container.options, image.config.config
    hostname = options.hostname or (
        parts.facts.hostname if options.networking.network == "host" else container.short_id
    )
    identity = users.resolve(options.user or config.user, *users.read_databases(rootfs))
    limits, warnings = spec.rlimits(options.resources.ulimits, parts.facts)
    for warning in warnings:
        parts.warn(warning)
    granted = spec.rights(options, parts.facts, container.seccomp_profile)
    document = runtime_spec(
        Process(
            args=spec.arguments(container.args, init=options.init),
            env=spec.environment(config.env, options.env, hostname=hostname, home=identity.home),
            cwd=container.working_dir,
            identity=identity,
            capabilities=granted.capabilities,
            no_new_privileges=granted.no_new_privileges,
            rlimits=limits,
        ),
        Sandbox(
            rootfs=rootfs,
            read_only=options.read_only,
            hostname=hostname,
            network=network,
            mounts=(
                *_engine_files(parts, container, hostname, endpoint),
                *(spec.spec_mount(mount, _source(parts, mount)) for mount in container.mounts),
            ),
            shm_size=options.resources.shm_size,
            limits=spec.limits(options, parts.facts),
            cgroup=container.cgroup,
            seccomp=granted.seccomp,
            masked_paths=guarded.MASKED,
            readonly_paths=guarded.READONLY,
        ),
    )
    runtime = Runtime(container.runtime, parts.paths.runtime_state)
    document["annotations"] = filters.recall(parts.paths, runtime, granted.seccomp)
    bundle = parts.paths.bundle(container.id)
    write_atomically(f"{bundle}/config.json", msgspec.json.encode(document))


def _source(parts: Parts, mount: Mount) -> str:
    if mount.kind == "volume":
        return parts.volumes.path(mount.source or "")
    return mount.source or ""


def _engine_files(
    parts: Parts, container: Container, hostname: str, endpoint: Endpoint | None
) -> tuple[SpecMount, ...]:
    """``/etc/hostname``, ``hosts`` and ``resolv.conf``, and the init program."""
    base = parts.paths.container(container.id)
    host_network = container.options.networking.network == "host"
    texts = {
        "hostname": hostname + "\n",
        "hosts": resolv.read_host_hosts() if host_network else resolv.hosts(hostname, endpoint),
        "resolv.conf": resolv.read_for_container(host_network=host_network),
    }
    found = []
    for name, text in texts.items():
        path = f"{base}/{name}"
        with open(path, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(text)
        found.append(spec.file_mount(path, f"/etc/{name}"))
    if container.options.init:
        program = process.find("catatonit") or process.find("tini") or process.require("catatonit")
        found.append(spec.file_mount(program, spec.INIT_PATH, read_only=True))
    return tuple(found)
