"""Waiting for a restart, calling it off, and doing it. The records say who waits until when."""

from __future__ import annotations

import os
import time

import msgspec

from dockyard.containers import monitor
from dockyard.containers.model import Container, Restarts
from dockyard.containers.parts import Parts
from dockyard.containers.restart import decide
from dockyard.errors import DiskFull
from dockyard.system import host


def await_restart(parts: Parts, ended: Container, before: Container) -> Container:
    """The record of a container that ended, waiting for its restart if its policy wants one.

    Args:
        ended: as it would be written without a policy.
        before: as it ran.
    """
    if ended.options.restart.policy == "no" or _from_another_boot(before):
        return ended
    following = decide.after_end(
        ended.options.restart, before.restarts, exit_code=ended.exit_code,
        ran=max(ended.finished - before.started, 0) if before.running else 0,
        by_hand=ended.stopped_by_hand, now=time.time_ns(),
    )  # fmt: skip
    if following is None:
        return ended
    ports = parts.networks.ports(before.holder) or before.restarts.ports
    following = msgspec.structs.replace(following, ports=ports, boot=host.boot_id())
    return msgspec.structs.replace(ended, state="restarting", restarts=following)


def _from_another_boot(container: Container) -> bool:
    """A container that ended with its host comes back by ``system boot``, as its policy says."""
    known = container.restarts.boot if container.process is None else container.process.boot
    return bool(known) and known != host.boot_id()


def call_off(container: Container) -> Container:
    """The record of a container that waited for a restart and now stays down."""
    over = msgspec.structs.replace(container.restarts, due=0)
    return msgspec.structs.replace(container, state="exited", restarts=over)


def keep_down(parts: Parts, container: Container) -> Container:
    """Notes that a command ends a container, so that no policy restarts it; calls a wait off.

    The record as it is then; the one given where it was removed meanwhile.
    """
    with parts.lock(container.holder) as lock:
        current = parts.store.get(container.id)
        if current is None:
            lock.release(remove=True)
            return container
        if current.state not in {"running", "restarting"}:
            return current
        current = msgspec.structs.replace(current, stopped_by_hand=True)
        if current.state == "restarting":
            current = call_off(current)
        _put(parts, current)
        return current


def _put(parts: Parts, container: Container) -> None:
    """What is to end may be what fills the disk: then a file says so, until its end is recorded.

    The reserve stays for that record; the program would take it.
    """
    try:
        parts.store.put(container, reserve=not container.running)
    except DiskFull:
        if not container.running:
            raise
        with open(monitor.end_mark(parts.paths.bundle(container.id)), "w", encoding="ascii"):
            pass


def bring_back(parts: Parts) -> list[Container]:
    """Has the controller start what a policy brings back with the host; once per boot.

    Returns:
        The containers that will be started.
    """
    marker, boot = f"{parts.paths.run}/booted", host.boot_id()
    if _read(marker) == boot:
        return []
    found = [one for one in parts.store.all() if decide.comes_back(one)]
    due = [one for one in (_schedule(parts, each.id) for each in found) if one is not None]
    with open(marker, "w", encoding="ascii") as stream:
        stream.write(boot)
    return due


def _schedule(parts: Parts, container_id: str) -> Container | None:
    with parts.lock(f"c-{container_id}") as lock:
        current = parts.store.get(container_id)
        if current is None:
            lock.release(remove=True)
            return None
        if not decide.comes_back(current):
            return None
        now = time.time_ns()
        restarts = Restarts(due=now, boot=host.boot_id(), exit_code=current.exit_code)
        due = msgspec.structs.replace(
            current, state="restarting", restarts=restarts, stopped_by_hand=False
        )
        parts.store.put(due)
        return due


def _read(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="ascii") as stream:
        return stream.read()
