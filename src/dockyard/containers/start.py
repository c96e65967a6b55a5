"""Starting a container: root, network, monitor, program; and undoing what a failure left."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable

import msgspec

from dockyard.containers import (
    cgroup_parent,
    create,
    filters,
    finish,
    happenings,
    monitor,
    mounting,
    networking,
    shared_memory,
    supervise,
    surroundings,
)
from dockyard.containers.attach import Streams
from dockyard.containers.detach import Detached
from dockyard.containers.happenings import event
from dockyard.containers.lifecycle import require_startable, require_thawed, require_unpaused
from dockyard.containers.model import Container, Options, Restarts
from dockyard.containers.networking import Place
from dockyard.containers.parts import Parts
from dockyard.errors import ComponentFailed, Conflict, DockyardError
from dockyard.images.model import Image
from dockyard.oci.runtime import SHM
from dockyard.system import cgroups, host
from dockyard.system.task import Task

_ATTENDED_SECONDS = 1
"""What a command in the foreground has to clean up by itself, which spares the exit command."""


def run(
    parts: Parts,
    image: Image,
    image_name: str,
    options: Options,
    streams: Streams | None = None,
    created: Callable[[Container], None] | None = None,
) -> Container:
    """Creates and starts a container; with ``streams``, stays until it ends.

    Args:
        created: gets the container before it is started.

    Returns:
        The running container, or the finished one where ``streams`` are given.

    Raises:
        RunError, Conflict, InvalidInput: with Docker's exit codes. What could be created but not
            started stays as created, unless it was to be removed at its end.
    """
    host.require_root("running a container", exit_code=125)
    if streams is not None and not streams.watches:  # its input is that of the caller
        own = msgspec.structs.replace(options.console, stdin_once=True)
        options = msgspec.structs.replace(options, console=own)
    container = create.new_container(parts, image, image_name, options)
    with parts.lock(container.holder) as lock:
        stays = False
        try:
            parts.store.add(container, event(container, "create"))
            container, fresh = _prepare(parts, container)
            if created is not None:
                created(container)
            stays = not options.remove
            started = _launch(parts, container, image, streams, fresh)
        except BaseException as error:
            if stays and isinstance(error, DockyardError):
                finish.undo_start(parts, container, error.message, error.exit_code)
            else:
                finish.discard(parts, container)
                lock.release(remove=True)
            raise
    return started if streams is None else attend(parts, started, streams)


def start(parts: Parts, container_id: str, streams: Streams | None = None) -> Container:
    """Starts a container that exists; see :func:`run`."""
    host.require_root("starting a container")
    with parts.lock(f"c-{container_id}"):
        container = parts.store.find(container_id)
        if container.running:
            if container.process is not None and container.process.alive():
                require_thawed(container)
                return container
            container = finish.conclude(parts, container)
        require_startable(container)
        mounting.require_sources(container)
        if container.shm_full:
            parts.warn(shared_memory.words(container))
        container = msgspec.structs.replace(
            container, restarts=Restarts(), stopped_by_hand=False, shm_full=False
        )
        started = _relaunch(parts, container, streams)
    return started if streams is None else attend(parts, started, streams)


def restart(parts: Parts, container_id: str) -> None:
    """Starts a container that its policy restarts; nothing where that was called off meanwhile.

    Raises:
        DockyardError: it could not be started; its record says when it is tried again.
    """
    with parts.lock(f"c-{container_id}") as lock:
        container = parts.store.get(container_id)
        if container is None:
            lock.release(remove=True)
        elif container.state == "restarting":
            _relaunch(parts, container, None)


def _relaunch(parts: Parts, container: Container, streams: Streams | None) -> Container:
    """Starts what was created before. The caller holds the lock."""
    image = parts.images.get(container.image_id)
    container = msgspec.structs.replace(container, state="starting", error="")
    parts.store.put(container)
    try:
        container, fresh = _prepare(parts, container)
        return _launch(parts, container, image, streams, fresh)
    except BaseException as error:
        code = error.exit_code if isinstance(error, DockyardError) else 0
        finish.undo_start(parts, container, str(error), code)
        raise


def attend(parts: Parts, container: Container, streams: Streams) -> Container:
    """Passes the streams along until the container ends, or the user leaves it.

    Returns:
        The finished container, or the running one.
    """
    try:
        streams.shared_memory = shared_memory.Watch(parts.paths, container)
        streams.run(container, parts.paths.bundle(container.id))
    except Detached:
        parts.store.tell(event(container, "detach"))
        return container
    return _awaited(parts, container)


def _awaited(parts: Parts, container: Container) -> Container:
    """The finished container that somebody was attached to, who is told what it lacked."""
    finished = finish.wait(parts, container)
    if finished.shm_full:
        parts.warn(shared_memory.words(finished))
    return finished


def attach(parts: Parts, container: Container, streams: Streams) -> Container:
    """Connects to a container that runs, until it ends.

    Raises:
        Conflict: it doesn't run.
        Detached: the user left; it runs on.
    """
    from dockyard.containers import output

    if not container.running:
        raise Conflict(
            "cannot attach to a stopped container, start it first",
            hint=f"dockyard start -a {container.name} does both",
            reference="not-running",
        )
    require_unpaused(container, "attaching")
    if streams.watches and output.would_end_input(container) and container.log.driver != "none":
        parts.store.tell(event(container, "attach"))
        streams.show(container, output.read(parts, container, follow=True, tail=0))
        return finish.wait(parts, container)
    bundle = parts.paths.bundle(container.id)
    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):  # it ends at this moment
        streams.open(monitor.attach_socket(bundle))
    parts.store.tell(event(container, "attach"))
    try:
        streams.shared_memory = shared_memory.Watch(parts.paths, container)
        streams.run(container, bundle, redraw=True)
    except Detached:
        parts.store.tell(event(container, "detach"))
        raise
    return _awaited(parts, container)


def _prepare(parts: Parts, container: Container) -> tuple[Container, tuple[str, ...]]:
    """Makes directories and volumes; the record that names them, and where to fill volumes."""
    create.make_directories(parts, container)
    resolved, fresh = mounting.resolve_mounts(parts, container)
    return msgspec.structs.replace(container, mounts=resolved), fresh


def _launch(
    parts: Parts,
    container: Container,
    image: Image,
    streams: Streams | None,
    fresh: tuple[str, ...],
) -> Container:
    """From what is prepared to a running program; the caller holds the lock, undoes on failure."""
    expecting = Task(lambda: cgroups.expect_moves(parts.cgroup_layout))
    if container.log.rotates:
        from dockyard.containers.logging import rotate  # few logs have a limit

        rotate.before_start(parts.paths.log(container.id), container.log)
    with (
        networking.place(parts, container) as where,
        surroundings.joining(parts, container.options) as joined,
    ):
        rootfs = create.mount_root(parts, container, image)
        create.fill_volumes(parts, container, rootfs, fresh)
        _warn_of_little_shared_memory(parts, container, image, rootfs)
        window = None if streams is None else streams.window
        create.write_bundle(parts, container, image, rootfs, where, joined, window)
        with cgroup_parent.kept(parts.paths):
            monitored = _create(parts, container, where, attended=streams is not None)
        where.complete()
    expecting.result()
    filters.keep(parts.paths, parts.runtime_of(container), container.id)
    _let_go(parts, container, image, streams, monitored)
    container = _running(container, monitored)
    attached = () if streams is None else (event(container, "attach"),)
    parts.store.put(container, *attached, *happenings.mounted(container), event(container, "start"))
    if container.healthcheck is not None or container.log.rotates:
        supervise.ensure(parts)
    return container


def _let_go(
    parts: Parts,
    container: Container,
    image: Image,
    streams: Streams | None,
    monitored: monitor.Monitored,
) -> None:
    """Starts the program, which the runtime holds ready, once all that look at it do so."""
    if streams is not None:
        streams.open(monitor.attach_socket(parts.paths.bundle(container.id)))
    if container.healthcheck is not None:
        from dockyard.containers.health import apply as checking

        checking.begin(parts, container)
    with contextlib.ExitStack() as undo:
        if streams is not None:
            undo.callback(streams.close)
        if container.options.init:
            _require_program(container, image, monitored.process.pid)
        _start_program(parts, container)
        undo.pop_all()


def _running(container: Container, monitored: monitor.Monitored) -> Container:
    return msgspec.structs.replace(
        container,
        state="running",
        process=monitored.process,
        monitor=monitored.monitor,
        started=time.time_ns(),
        finished=0,
        exit_code=0,
        oom_killed=False,
        restarts=msgspec.structs.replace(container.restarts, due=0),
        paused=False,
        kept=False,
    )


def _warn_of_little_shared_memory(
    parts: Parts, container: Container, image: Image, rootfs: str
) -> None:
    if not shared_memory.too_small_for(container):
        return
    from dockyard.containers import frameworks  # not where the size was chosen

    name = frameworks.framework(image.config.config, rootfs)
    if name is not None:
        parts.warn(
            f"the image has {name}, whose workers may need more than the"
            f" {container.options.resources.shm_size >> 20} MB of {SHM}:"
            f" {shared_memory.MEND}"
        )


def _launch_description(
    parts: Parts, container: Container, *, attended: bool = False
) -> monitor.Launch:
    return monitor.Launch(
        container_id=container.id,
        name=container.name,
        bundle=parts.paths.bundle(container.id),
        log="" if container.log.driver == "none" else parts.paths.log(container.id),
        runtime=parts.runtime_of(container),
        program=next(iter(container.args), ""),
        rootfs=f"{parts.paths.container(container.id)}/root",
        directory=container.working_dir,
        interactive=container.options.console.interactive,
        keep_stdin=not container.options.console.stdin_once,
        terminal=container.options.console.tty,
        exit_command=monitor.exit_command(parts.paths, container.id),
        exit_delay=_ATTENDED_SECONDS if attended else 0,
    )


def _create(
    parts: Parts, container: Container, where: Place, *, attended: bool
) -> monitor.Monitored:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{parts.paths.exits}/{container.id}")
    return monitor.create(
        _launch_description(parts, container, attended=attended),
        parts.paths,
        where.port_descriptors,
        functools.partial(place_monitor, parts, container),
    )


def place_monitor(parts: Parts, container: Container, pid: int, *, exec_id: str = "") -> None:
    """Moves a monitor out of its caller's cgroup, whose end is not to be its end.

    Args:
        exec_id: for that of another process in the container, which goes with the container.
    """
    if parts.cgroup_layout.systemd:
        from dockyard.system import scope

        # That of the last run may be about to end, so each has a name of its own.
        unit = f"dockyard-conmon-{exec_id or container.id}-{pid}.scope"
        slice_name = f"dockyard-{parts.paths.root_hash}.slice"
        scope.start(unit, slice_name, pid, lasting=True)
        return
    cgroups.create_and_enter(parts.cgroup_layout, finish.monitor_cgroup(parts, container), pid)


def _require_program(container: Container, image: Image, pid: int) -> None:
    """Refuses what the runtime would refuse, if the init weren't the program that it is given."""
    from dockyard.containers import programs, spec  # few containers have an init

    config = image.config.config
    variables = spec.environment(config.env, container.options.env, hostname="", home="")
    failed = f"failed to create container {container.name}: exec"
    programs.require_program(pid, container.args[0], variables, container.working_dir, failed)


def _start_program(parts: Parts, container: Container) -> None:
    try:
        parts.runtime_of(container).start(container.id)
    except ComponentFailed as error:
        raise monitor.refused(_launch_description(parts, container), error.message) from error
