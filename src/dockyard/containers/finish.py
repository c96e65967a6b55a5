"""The end of a container: waiting for it, cleaning up after it, and removing it. Idempotent.

Whoever gets the container's lock first does it: the foreground command, the exit command that the
monitor calls, ``stop``, or the recovery of any later command. The others find nothing to do.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from collections.abc import Iterator

import msgspec

from dockyard.containers import (
    cgroup_parent,
    happenings,
    lifecycle,
    monitor,
    shared_memory,
    supervise,
)
from dockyard.containers.logging import readers
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.containers.restart import apply as restarts
from dockyard.errors import ComponentFailed, Conflict, RunError
from dockyard.observability.events import Event
from dockyard.system import cgroups, host, mounts
from dockyard.system.files import remove_tree, remove_tree_in_use
from dockyard.system.host import ProcessIdentity
from dockyard.system.task import Task

_EXIT_FILE_SECONDS = 5.0
_POLL_SECONDS = 0.002
_EXEC_SECONDS = 10.0
"""So long a runtime that came too late, for an ``exec`` or a probe, may take to find that out; what
it writes meanwhile is in the container's directories."""
_DYING_SECONDS = 0.5
"""The kernel ends what else is in a container before the container's first process is gone."""
_PROGRAM_FAILED = frozenset({126, 127})
_START_FAILED = 128


def wait_for_process(identity: ProcessIdentity | None, seconds: float | None = None) -> bool:
    """Waits until a process is gone; False where it still lives after ``seconds``."""
    return identity is None or identity.wait(seconds)


def send_signal(identity: ProcessIdentity | None, number: int) -> None:
    """Signals exactly that process; one that is gone gets nothing, and nobody else does."""
    if identity is not None:
        identity.signal(number)


@contextlib.contextmanager
def while_it_lives(container: Container, done: str) -> Iterator[None]:
    """Lets errors pass while the first process lives, which is looked at for a moment.

    Args:
        done: what is done to it, such as ``it could be paused``.

    Raises:
        Conflict: something failed, and the container has ended.
    """
    try:
        yield
    except (ComponentFailed, RunError, FileNotFoundError) as error:
        if container.process is None or not container.process.wait(_DYING_SECONDS):
            raise
        raise Conflict(
            f"container {container.name} ended before {done}",
            hint=f"try again once it is restarted, or start it: dockyard start {container.name}",
            reference="not-running",
        ) from error


def wait(parts: Parts, container: Container, *happened: Event) -> Container:
    """Waits for the end and cleans up; the finished container as it last was.

    Args:
        happened: what the caller did to it, told with its end.
    """
    wait_for_process(container.process)
    with parts.lock(container.holder) as lock:
        current = parts.store.get(container.id)
        if current is None:  # another command was faster, and it is removed
            lock.release(remove=True)
            parts.store.tell(*happened)
            return gone(parts, container)
        if current.state != "running" or current.started != container.started:
            parts.store.tell(*happened)
            if current.running:  # it was restarted already
                return msgspec.structs.replace(current, exit_code=current.restarts.exit_code)
            return current
        finished = conclude(parts, current, *happened)
        if current.options.remove and not current.kept:
            lock.release(remove=True)
        return finished


def gone(parts: Parts, container: Container) -> Container:
    """The record after the end of a container that is removed already."""
    code = parts.store.last_exit_code(container.id)
    return msgspec.structs.replace(
        container, state="exited", finished=time.time_ns(), process=None, monitor=None,
        exit_code=lifecycle.MONITOR_LOST if code is None else code,
    )  # fmt: skip


def conclude(parts: Parts, container: Container, *happened: Event) -> Container:
    """Records the exit of a container whose process is gone. The caller holds the lock.

    Args:
        happened: what led to it, told before it.
    """
    finished = exited(parts, container)
    ended = happenings.ended(finished)
    happened = (*happenings.mounted(container, unmounted=True), *happened, *ended)
    if container.options.remove and not container.kept:
        remove(parts, container, *happened, exit_code=finished.exit_code)
        return finished
    if os.path.exists(monitor.end_mark(parts.paths.bundle(container.id))):
        finished = msgspec.structs.replace(finished, stopped_by_hand=True)
    finished = restarts.await_restart(parts, finished, container)
    tear_down(parts, container)
    _settle_log(parts, container)
    parts.store.put(finished, *happened)
    if finished.state == "restarting":
        supervise.ensure(parts)
    elif finished.has_healthcheck or finished.log.rotates:
        supervise.wake(parts)
    return finished


def _settle_log(parts: Parts, container: Container) -> None:
    """Cuts a log down to its limit; where that fails, as on a full disk, whoever reads it does."""
    if container.log.rotates:
        from dockyard.containers.logging import rotate  # few logs have a limit

        with contextlib.suppress(OSError):
            rotate.settle(parts.paths.log(container.id), container.log)


def exited(parts: Parts, container: Container) -> Container:
    """The record after the end, with the code from the monitor's exit file."""
    return msgspec.structs.replace(
        container,
        state="exited",
        finished=time.time_ns(),
        exit_code=lifecycle.exit_code_of(_exit_status(parts, container)),
        oom_killed=os.path.exists(f"{parts.paths.bundle(container.id)}/oom"),
        shm_full=shared_memory.ran_out_at_the_end(parts.paths, container),
        paused=False,
        process=None,
        monitor=None,
    )


def _exit_status(parts: Parts, container: Container) -> str | None:
    """The exit file's text; conmon writes it a moment after the process is gone."""
    path = f"{parts.paths.exits}/{container.id}"
    deadline = time.monotonic() + _EXIT_FILE_SECONDS
    while True:
        monitored = container.monitor is not None and container.monitor.alive()
        with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as stream:
            return stream.read()
        if not monitored or time.monotonic() > deadline:
            return None
        time.sleep(_POLL_SECONDS)


def tear_down(parts: Parts, container: Container) -> None:
    """Frees everything volatile: processes, network, mounts, cgroups, bundle."""
    bundle = parts.paths.bundle(container.id)
    found = monitor.leftovers(bundle)
    layout = parts.cgroup_layout
    with contextlib.ExitStack() as stack:
        deleting = Task(functools.partial(_forget, parts, container))
        stack.callback(deleting.result)
        cgroups.kill_all(layout, container.cgroup)
        _dismiss_monitor(parts, container, found)
        parts.networks.detach(container.holder)
    _delete(parts, container)  # it fails where a process ends, or is being made, at that moment
    remove_tree_in_use(_runtime_state(parts, container), _EXEC_SECONDS)
    mounts.unmount_below(parts.paths.container(container.id))
    cgroup_parent.remove(parts.paths, layout, container.cgroup)
    if not layout.systemd:  # systemd removes a scope with its last process
        _remove_monitor_cgroup(parts, container)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{parts.paths.exits}/{container.id}")
    remove_tree_in_use(bundle, _EXEC_SECONDS)


def _forget(parts: Parts, container: Container) -> None:
    """What waits for the runtime and the kernel, beside the rest: 5 ms and 3 ms."""
    _delete(parts, container)
    mounts.unmount(shared_memory.own_place(parts.paths, container))


def _delete(parts: Parts, container: Container) -> None:
    """Has the runtime forget the container, if it knows it."""
    if os.path.exists(_runtime_state(parts, container)):
        parts.runtime_of(container).delete(container.id)


def _runtime_state(parts: Parts, container: Container) -> str:
    return f"{parts.paths.runtime_state}/{container.id}"


def monitor_cgroup(parts: Parts, container: Container) -> str:
    """The monitor's own cgroup, where systemd doesn't manage them."""
    return f"/dockyard-{parts.paths.root_hash}/conmon-{container.id}"


def _remove_monitor_cgroup(parts: Parts, container: Container) -> None:
    """Removes it; the exit command, which runs in it as the monitor's child, leaves it before."""
    layout, path = parts.cgroup_layout, monitor_cgroup(parts, container)
    for pid in cgroups.pids(layout, path):
        if pid in {os.getpid(), os.getppid()}:
            cgroups.leave(layout, pid)
    cgroup_parent.remove(parts.paths, layout, path)


def _dismiss_monitor(
    parts: Parts, container: Container, found: tuple[ProcessIdentity, ...]
) -> None:
    """Ends the monitor, whose work is done: it holds the published ports.

    With it goes its exit command, which waits for the lock that the caller has. When the exit
    command is the caller, it leaves its parent be.
    """
    known = {container.monitor, *found} - {None}
    if os.getppid() in {identity.pid for identity in known if identity is not None}:
        return
    for identity in known:
        send_signal(identity, signal.SIGKILL)
        wait_for_process(identity, 1.0)
    if not parts.cgroup_layout.systemd:
        cgroups.kill_all(parts.cgroup_layout, monitor_cgroup(parts, container), 2.0)


def mark_removing(parts: Parts, container: Container) -> None:
    """From here on a crash ends in the container's removal by the next command."""
    parts.store.put(msgspec.structs.replace(container, state="removing"))


def remove(
    parts: Parts,
    container: Container,
    *happened: Event,
    volumes: bool = True,
    exit_code: int | None = None,
) -> None:
    """Frees everything, then deletes files, anonymous volumes and, last, the record.

    Args:
        happened: what is to be told with the end of the record.
        exit_code: for those who still wait for it; that of the record where ``None``.
    """
    tear_down(parts, container)
    if volumes:
        parts.volumes.remove_anonymous(container.id)
    readers.wait_for(parts.paths.container(container.id))
    remove_tree(parts.paths.container(container.id))
    code = container.exit_code if exit_code is None else exit_code
    gone = happenings.event(container, "destroy")
    parts.store.delete(container.id, *happened, gone, exit_code=code)
    supervise.wake(parts)  # a controller that supervised it may have nothing left to do


def discard(parts: Parts, container: Container) -> None:
    """Undoes a creation that failed. The caller holds the lock."""
    kill_makers(parts.paths.bundle(container.id))
    remove(parts, container)


def kill_makers(bundle: str) -> None:
    """Ends monitors and runtimes that are still making a container from this bundle.

    A command that was killed in the middle leaves them at work, without a record of their number.
    """
    for identity in host.with_argument(bundle):
        send_signal(identity, signal.SIGKILL)
        wait_for_process(identity, 2.0)


def undo_start(parts: Parts, container: Container, why: str, code: int = _START_FAILED) -> None:
    """Undoes a start that failed; the container stays what it was, created or exited.

    If a policy wanted the start, it is tried again.

    Args:
        code: with which a command tells of it; the record's is Docker's, which tells a program
            that can't be executed (126, 127) from all else (128, or the code of the run before).
    """
    kill_makers(parts.paths.bundle(container.id))
    tear_down(parts, container)
    failed = msgspec.structs.replace(
        container,
        state="exited" if container.started else "created",
        exit_code=code if code in _PROGRAM_FAILED else container.exit_code or _START_FAILED,
        error=why,
        process=None,
        monitor=None,
        paused=False,
    )
    if container.restarts.due:
        failed = restarts.await_restart(parts, failed, container)
    parts.store.put(failed)
    if failed.state == "restarting":
        supervise.ensure(parts)
