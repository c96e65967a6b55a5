"""Keeping programs running: starting, asking, ending."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

import msgspec

from dockyard import decoding
from dockyard.containers import cgroup_parent
from dockyard.errors import DockyardError
from dockyard.serving.supervise import decide, launch
from dockyard.serving.supervise.model import Kept, Program
from dockyard.serving.supervise.places import Places
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import cgroups
from dockyard.system.files import remove_tree, write_atomically

_PATIENCE = 20.0
_PASSING = (DockyardError, OSError, subprocess.SubprocessError)
"""What may go well next time: a full machine, another who holds the lock for long."""


def ensure(paths: Paths, program: Program, *, replace: bool = False) -> Kept:
    """Has a program run: starts it where it doesn't. Idempotent, for any number of callers.

    Args:
        replace: one that runs in another version, or with other arguments, is ended before.

    Raises:
        ComponentMissing, ComponentFailed: it can't be started.
    """
    places = Places(paths, program.name)
    with Lock.acquire(places.lock, timeout=_PATIENCE):
        found = _read(places)
        if found is not None and found.alive:
            if not replace or _is_same(found.program, program):
                return found
            _end(found)
        return _start(places, Kept(program=program))


def status(paths: Paths, name: str) -> Kept | None:
    """What there is of a program that is to run; ``None`` where it isn't."""
    return _read(Places(paths, name))


def ended(paths: Paths, name: str) -> None:
    """Starts a program again after its end, if it is still to run and nobody else did so."""
    places = Places(paths, name)
    found = _read(places)
    while found is not None and not found.alive:
        count = decide.failures(found.failures, time.time() - found.started)
        time.sleep(decide.delay(count))
        again = Kept(program=found.program, process=found.process, started=time.time(),
                     restarts=found.restarts + 1, failures=count)  # fmt: skip
        with contextlib.suppress(*_PASSING), Lock.acquire(places.lock, timeout=_PATIENCE):
            now = _read(places)
            if now is None or now.alive or now.process != found.process:
                return
            _write(places, again)  # counted, though the start may fail
            _start(places, again)
            return
        found = again


def stop(paths: Paths, name: str) -> None:
    """Ends a program, and removes what it left. Idempotent."""
    places = Places(paths, name)
    with Lock.acquire(places.lock, timeout=_PATIENCE) as lock:
        found = _read(places)
        _unwant(places)
        lock.release()
    if found is not None:
        _end(found)
    clear(paths, name)


def clear(paths: Paths, name: str) -> None:
    """Removes what is left of a program that has ended and isn't to run."""
    places = Places(paths, name)
    with Lock.acquire(places.lock, timeout=_PATIENCE) as lock:
        if _read(places) is None:
            layout = cgroups.read_layout()
            if not layout.systemd:
                cgroup_parent.remove(paths, layout, places.cgroup)
            remove_tree(places.directory)
            lock.release(remove=True)


def _is_same(one: Program, other: Program) -> bool:
    """One interpreter has several names: what it runs is what counts."""
    return (one.argv[1:], one.version) == (other.argv[1:], other.version)


def _end(found: Kept) -> None:
    if found.process is None:
        return
    found.process.signal(signal.SIGTERM)
    if not found.process.wait(found.program.stop_seconds):
        found.process.signal(signal.SIGKILL)
        found.process.wait(_PATIENCE)


def _start(places: Places, kept: Kept) -> Kept:
    process, monitor = launch.start(places, kept.program)
    started = msgspec.structs.replace(kept, process=process, monitor=monitor, started=time.time())
    _write(places, started)
    return started


def _read(places: Places) -> Kept | None:
    try:
        with open(places.kept, "rb") as stream:
            return decoding.from_json(stream.read(), Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _write(places: Places, kept: Kept) -> None:
    write_atomically(places.kept, msgspec.json.encode(kept))


def _unwant(places: Places) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(places.kept)
