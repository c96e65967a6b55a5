"""The three programs that serve the services of a root: what they are, and keeping them running."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable

from msgspec.structs import replace

from dockyard._version import __version__
from dockyard.serving.controller import room
from dockyard.serving.gateway import envoy, files
from dockyard.serving.places import ACTIVATOR, CONTROLLER, GATEWAY, PROGRAMS, Serving
from dockyard.serving.supervise import apply
from dockyard.serving.supervise.model import Kept, Program
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths, make_directory
from dockyard.system import process
from dockyard.system.files import remove_tree

_THREADS = 2
_PATIENCE = 60.0
_LEAST_HEAP = 256 << 20
_METRICS = "DOCKYARD_METRICS"
"""The setting that a program which runs already may get another value of."""
_CAP_NET_BIND_SERVICE = 10


def _ensure(serving: Serving) -> None:
    for directory in (serving.directory, serving.sockets, os.path.dirname(serving.targets)):
        make_directory(directory)
    with contextlib.suppress(FileExistsError):
        os.mkfifo(serving.wake, 0o600)
    for name in PROGRAMS:
        found = apply.status(serving.paths, name)
        # Envoy has clients' connections: it stays until all services are taken down.
        if found is None or not found.alive or name != GATEWAY:
            apply.ensure(serving.paths, _program(serving, name, found), replace=True)


def recover(paths: Paths, serves: Callable[[], bool]) -> None:
    """Does what :func:`settle` does, unless another command is at it.

    Raises:
        ComponentMissing, ComponentFailed: as for :func:`settle`.
    """
    if serves() and running(paths):
        return
    lock = Lock.try_acquire(_lock_path(paths))
    if lock is not None:
        lock.release()
        settle(paths, serves)


def settle(paths: Paths, serves: Callable[[], bool]) -> None:
    """Has all three run where there is a service, else end: decided while no other command does.

    Raises:
        ComponentMissing: Envoy or conmon isn't installed.
        ComponentFailed: one can't be started.
    """
    with _turn(paths) as lock:
        if serves():
            _ensure(Serving(paths))
        else:
            _stop(paths)
            lock.release(remove=True)


def running(paths: Paths) -> bool:
    """Whether all three run; cheap."""
    found = [apply.status(paths, name) for name in PROGRAMS]
    return all(one is not None and one.alive for one in found)


def status(paths: Paths) -> dict[str, Kept | None]:
    """What there is of each."""
    return {name: apply.status(paths, name) for name in PROGRAMS}


def _stop(paths: Paths) -> None:
    for name in reversed(PROGRAMS):
        apply.stop(paths, name)
    remove_tree(paths.serving)


def wake(paths: Paths) -> bool:
    """Has the controller look at once; False where there is none."""
    try:
        descriptor = os.open(Serving(paths).wake, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENXIO}:
            return False
        raise
    try:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(descriptor, b"\0")
    finally:
        os.close(descriptor)
    return True


def _turn(paths: Paths) -> Lock:
    return Lock.acquire(_lock_path(paths), timeout=_PATIENCE)


def _heap() -> int:
    """A quarter of the machine for the gateway."""
    return max(room.machine().memory_total // 4, _LEAST_HEAP)


def _lock_path(paths: Paths) -> str:
    return f"{paths.locks}/serving.lock"


def _program(serving: Serving, name: str, before: Kept | None) -> Program:
    here = os.path.dirname(__file__)
    env = process.passed_on()
    if before is not None and _METRICS in before.program.env:  # said once, it stays
        env.setdefault(_METRICS, before.program.env[_METRICS])
    version = f"{__version__} {env.get(_METRICS, '')}"
    if name == GATEWAY:
        bootstrap = files.prepare(replace(serving.gateway, heap=_heap()))
        command = envoy.argv(bootstrap, threads=_THREADS)
        return Program(name=name, argv=command, env=env, capabilities=(_CAP_NET_BIND_SERVICE,))
    if name == ACTIVATOR:
        argv = process.isolated_python(f"{here}/activator/process.py", serving.targets)
        return Program(name=name, argv=tuple(argv), env=env, capabilities=(), stop_seconds=5.0,
                       version=__version__)  # fmt: skip
    if name == CONTROLLER:
        paths = serving.paths
        argv = process.isolated_python(f"{here}/controller/process.py", paths.root, paths.run)
        return Program(name=name, argv=tuple(argv), env=env, stop_seconds=20.0,
                       version=version)  # fmt: skip
    raise ValueError(name)
