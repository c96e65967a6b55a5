"""From options to a record, a directory and a bundle: everything before the first process."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

import msgspec

from dockyard.containers import (
    filters,
    lifecycle,
    mounting,
    names,
    networking,
    settle,
    spec,
    spec_namespaces,
    spec_rights,
    surroundings,
    users,
)
from dockyard.containers.health import decide as health
from dockyard.containers.logging import settings as log_settings
from dockyard.containers.model import Container, Logging, Options
from dockyard.containers.networking import Place
from dockyard.containers.parts import Parts
from dockyard.containers.runtime import Runtime
from dockyard.containers.spec_rights import Rights
from dockyard.containers.surroundings import Joined, Surroundings
from dockyard.images import platforms
from dockyard.images.model import Image
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.runtime import (
    SYSTEM_PLACES,
    Process,
    Sandbox,
    SpecMount,
    encode,
    runtime_spec,
)
from dockyard.state.paths import unusable
from dockyard.system import cgroups, mounts, process
from dockyard.system.files import remove_tree, write_atomically


def new_container(parts: Parts, image: Image, image_name: str, options: Options) -> Container:
    """The record of a container to be. Checks all that can be checked without doing anything.

    Raises:
        InvalidInput, NotSupported, PermissionMissing: the options can't be met.
        DiskFull: there is no room for it.
    """
    parts.paths.require_room()
    config = image.config.config
    encode((config, options))  # refuses now what no runtime takes
    container_id = names.new_id()
    args = _command_line(config, options)
    mounts_wanted = mounting.wanted(parts, config, options)
    profile = settle.read_profile(parts, options)
    options = settle.settle(parts, image, image_name, options, profile)
    options = msgspec.structs.replace(options, logging=_logging(parts, options))
    labels = {**config.labels, **options.labels}
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
        cgroup=cgroups.cgroup_path(
            parts.cgroup_layout,
            parts.paths.root_hash,
            container_id,
            parent=options.resources.cgroup_parent,
        ),
        mounts=mounts_wanted,
        seccomp_profile=profile,
        labels=labels,
        healthcheck=health.merged(config.healthcheck, options.health),
        log=log_settings.resolve(options.logging, labels, spec.variables(config.env, options.env)),
    )


def _command_line(config: ExecutionConfig, options: Options) -> tuple[str, ...]:
    args = lifecycle.command_line(
        image_entrypoint=config.entrypoint,
        image_command=config.cmd,
        entrypoint=options.entrypoint,
        command=options.command,
    )
    spec.arguments(args, init=False)
    return args


def _logging(parts: Parts, options: Options) -> Logging:
    return log_settings.choose(
        options.logging,
        Logging(driver=parts.config.log_driver, options=dict(parts.config.log_options)),
    )


def make_directories(parts: Parts, container: Container) -> None:
    """The container's directory (upper, work, root) and bundle. Idempotent."""
    base = parts.paths.container(container.id)
    try:
        for name in ("upper", "work", "root"):
            os.makedirs(f"{base}/{name}", mode=0o755, exist_ok=True)
        os.makedirs(parts.paths.bundle(container.id), mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(base, error) from error


def mount_root(parts: Parts, container: Container, image: Image) -> str:
    """Mounts the container's root filesystem; its path."""
    root = f"{parts.paths.container(container.id)}/root"
    mount_overlay(parts, container, image, root, volatile=container.options.remove)
    return root


def mount_overlay(
    parts: Parts, container: Container, image: Image, target: str, *, volatile: bool
) -> None:
    """Mounts the container's layers, the writable one on top, somewhere; once at a time."""
    base = parts.paths.container(container.id)
    lowers = parts.layers.paths_of(image.layers)
    if not lowers:  # an image without layers; overlayfs wants at least one
        os.makedirs(f"{base}/empty", mode=0o755, exist_ok=True)
        lowers = (f"{base}/empty",)
    if container.started == 0:
        mounts.begin_upper(f"{base}/upper", lowers)
    elif container.options.remove:  # a volatile overlay is mounted once, unless one says otherwise
        remove_tree(f"{base}/work")
        os.mkdir(f"{base}/work", 0o755)
    mounts.mount_overlay(
        mounts.Overlay(
            target=target,
            lowers=lowers,
            upper=f"{base}/upper",
            work=f"{base}/work",
            volatile=volatile,
        )
    )


def fill_volumes(parts: Parts, container: Container, rootfs: str, fresh: tuple[str, ...]) -> None:
    """Copies the image's content into empty volumes, as Docker does, for a new container."""
    if container.started:
        return
    for mount in container.mounts:
        if mount.kind == "volume" and mount.source is not None and mount.target in fresh:
            _fill_volume(parts, mount.source, rootfs, mount.target)


def _fill_volume(parts: Parts, name: str, rootfs: str, path: str) -> None:
    """Ordinary volumes get all; only root comes at them. A directory of the host gets no rights."""
    from dockyard.system.copy import copy_tree

    volume, left_out = parts.volumes.get(name), 0

    def copy(directory: str) -> None:
        nonlocal left_out
        left_out = copy_tree(rootfs, path, directory, rights=not volume.options)

    parts.volumes.fill(name, copy)
    if left_out:
        parts.warn(
            f"{left_out} device nodes of the image's {path} were left out of volume {name}, which"
            f" is the host's {volume.path}"
        )


def write_bundle(
    parts: Parts,
    container: Container,
    image: Image,
    rootfs: str,
    where: Place,
    joined: Mapping[str, Joined],
    window: tuple[int, int] | None = None,
) -> None:
    """Writes ``config.json`` and the files that are mounted into ``/etc``.

    Args:
        joined: see :func:`surroundings.joining`.
        window: rows and columns that a terminal begins with.
    """
    named = where.donor or container
    hostname = spec.hostname(named.options, parts.facts, named.short_id)
    platform = container.options.platform
    rights = spec_rights.rights(
        container.options.security, parts.facts, container.seccomp_profile,
        programs=None if platform is None else platforms.wanted(platform).architecture,
    )  # fmt: skip
    files = _engine_files(parts, container, hostname, where)
    process = _process(parts, container, image.config.config, rights, rootfs, hostname)
    around = surroundings.look_up(parts, container, joined)
    sandbox = _sandbox(parts, container, rights, rootfs, hostname, where.path, around, files)
    injection = surroundings.vendor_devices(parts, container.options, process.identity)
    if injection is not None:
        from dockyard.containers.spec_injection import with_devices

        process, sandbox = with_devices(process, sandbox, injection)
    _check_landings(rootfs, [mount for mount in sandbox.mounts if mount not in files])
    process = msgspec.structs.replace(process, console_size=window)
    document = runtime_spec(process, sandbox)
    runtime = Runtime(container.runtime, parts.paths.runtime_state)
    recalled = filters.recall(parts.paths, runtime, rights.seccomp)
    document["annotations"] = _ending(parts, container) | container.options.annotations | recalled
    bundle = parts.paths.bundle(container.id)
    write_atomically(f"{bundle}/config.json", encode(document), durable=False)


def _check_landings(rootfs: str, asked: Sequence[SpecMount]) -> None:
    links = {place for place in SYSTEM_PLACES if os.path.islink(f"{rootfs}{place}")}
    if asked or links:
        from dockyard.containers import landing  # many containers have no mounts

        landing.check(rootfs, links, asked)


def _ending(parts: Parts, container: Container) -> dict[str, str]:
    if not parts.cgroup_layout.systemd:
        return {}
    from dockyard.system.signals import signal_number

    seconds = lifecycle.stop_seconds(container, None)
    whole = None if seconds is None else int(seconds)
    return spec.scope_properties(signal_number(container.stop_signal), whole)


def _process(
    parts: Parts,
    container: Container,
    config: ExecutionConfig,
    rights: Rights,
    rootfs: str,
    hostname: str,
) -> Process:
    options = container.options
    identity = users.resolve(
        options.user or config.user, *users.read_databases(rootfs), options.groups
    )
    limits, warnings = spec.rlimits(options.resources.ulimits, parts.facts)
    for warning in warnings:
        parts.warn(warning)
    return Process(
        args=spec.arguments(container.args, init=options.init),
        env=spec.environment(
            config.env, options.env, hostname=hostname, home=identity.home, tty=options.console.tty
        ),
        cwd=container.working_dir,
        identity=identity,
        capabilities=rights.capabilities,
        no_new_privileges=rights.no_new_privileges,
        rlimits=limits,
        oom_score_adj=spec.oom_score(options.resources.oom_score_adj, parts.facts),
        apparmor=rights.apparmor,
        terminal=options.console.tty,
    )


def _sandbox(
    parts: Parts,
    container: Container,
    rights: Rights,
    rootfs: str,
    hostname: str,
    network: str,
    around: Surroundings,
    files: tuple[SpecMount, ...],
) -> Sandbox:
    kernel = parts.facts.kernel
    sources = ((mount, mounting.source_of(parts, container, mount)) for mount in container.mounts)
    asked = (
        spec.spec_mount(mount, source, kernel, directory=os.path.isdir(source))
        for mount, source in sources
    )
    return Sandbox(
        rootfs=rootfs,
        read_only=container.options.read_only,
        hostname=hostname,
        network=network,
        mounts=(*files, *around.mounts, *asked),
        namespaces=around.namespaces,
        root_propagation=around.root_propagation,
        shm_size=around.shm_size,
        limits=around.limits,
        devices=around.granted.nodes,
        device_rules=around.granted.rules,
        sysctls=spec_namespaces.sysctls(container.options),
        cgroup=container.cgroup,
        seccomp=rights.seccomp,
        masked_paths=rights.masked_paths,
        readonly_paths=rights.readonly_paths,
        writable_system=rights.writable_system,
        writable_cgroups=rights.writable_cgroups,
    )


def _engine_files(
    parts: Parts, container: Container, hostname: str, where: Place
) -> tuple[SpecMount, ...]:
    """``/etc/hostname``, ``hosts`` and ``resolv.conf``, and the init program."""
    written = networking.write_files(parts, container, hostname, where)
    found = [spec.file_mount(path, f"/etc/{name}") for name, path in written.items()]
    if container.options.init:
        program = process.find("catatonit") or process.find("tini") or process.require("catatonit")
        found.append(spec.file_mount(program, spec.INIT_PATH, read_only=True))
    return tuple(found)
