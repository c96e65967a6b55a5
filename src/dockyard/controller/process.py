"""The controller's program: claims its place, leaves the caller's cgroup, and serves.

Run as a script by an isolated Python without site packages.

Arguments: library directories joined by ``:``, root, run, and ``--standing`` for a service.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a script begins without its libraries
    from collections.abc import Callable

    from dockyard.config import Config
    from dockyard.controller.host import Host
    from dockyard.controller.journal import Journal
    from dockyard.controller.model import Duty
    from dockyard.engine import Engine
    from dockyard.state.locks import Lock
    from dockyard.state.paths import Paths

_CLAIM_SECONDS = 5.0
_PAUSE_SECONDS = 0.01


def main(arguments: list[str]) -> None:
    """Serves one root until nothing is left to supervise."""
    libraries, root, run, *flags = arguments
    os.chdir("/")
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # what the caller had open is none of ours
    sys.path[:0] = libraries.split(":")
    from dockyard.config import of_root

    serve(of_root(root, run), standing="--standing" in flags)


def serve(config: Config, *, standing: bool) -> bool:
    """Is the controller of one root; False where another one is, or no root any more.

    Args:
        standing: as a service: take the place of one that was started on demand, bring back what
            a policy brings back with the host, and stay though there is nothing to do.
    """
    from dockyard.controller.journal import Journal
    from dockyard.state.paths import Paths

    paths = Paths(*map(os.path.realpath, (config.root, config.run)))
    journal = Journal(paths.controller_log, to_stderr=standing)
    if not standing and not os.path.exists(paths.database):
        return False  # the root was deleted, and must not come back
    paths.prepare()
    lock = _claim(paths, take_over=standing)
    if lock is None:
        return False
    try:
        if not standing and not _leave_caller(paths):
            return False
        _host(config, paths, journal, standing=standing)
    except Exception as error:
        journal.error(f"the controller failed: {type(error).__name__}: {error}")
        raise
    finally:
        _give_back(paths)
        lock.release(remove=True)
    return True


def _host(config: Config, paths: Paths, journal: Journal, *, standing: bool) -> None:
    from dockyard.controller.host import Host
    from dockyard.engine import Engine

    host = Host(paths, journal, standing=standing)  # its pipe is open before recovery wakes it
    with Engine(config, warn=journal.error) as engine:
        journal.info(f"controller {os.getpid()} begins")
        if standing:
            for container in engine.containers.bring_back():
                journal.info(f"container {container.name} comes back with the host")
        host.run(_duties(engine, host), _has_containers(engine))
    journal.info(f"controller {os.getpid()} ends")


def _duties(engine: Engine, host: Host) -> tuple[Duty, ...]:
    """All that there is to supervise. A new kind of supervision is one more entry."""
    from dockyard.containers.health.duty import HealthDuty
    from dockyard.containers.logging.duty import RotateDuty
    from dockyard.containers.restart.duty import RestartDuty

    parts = engine.parts
    return (RestartDuty(parts, host), HealthDuty(parts, host), RotateDuty(parts, host))


def _has_containers(engine: Engine) -> Callable[[], bool]:
    return lambda: engine.database.query_one("SELECT 1 FROM containers LIMIT 1") is not None


def _claim(paths: Paths, *, take_over: bool) -> Lock | None:
    """The place of this root's controller; ``None`` where a living one was woken instead."""
    from dockyard.controller import client
    from dockyard.state.locks import Lock

    path = f"{paths.locks}/controller.lock"
    if take_over:
        client.stop(paths, _CLAIM_SECONDS)
        return Lock.acquire(path, timeout=_CLAIM_SECONDS)
    deadline = time.monotonic() + _CLAIM_SECONDS
    while (lock := Lock.try_acquire(path)) is None:
        if client.wake(paths) or time.monotonic() > deadline:
            return None
        time.sleep(_PAUSE_SECONDS)  # the one there is begins, or ends
    return lock


def _leave_caller(paths: Paths) -> bool:
    """The end of the caller's cgroup (a stopped unit) must not be the controller's."""
    from dockyard.containers import controller_place as place

    return place.enter(paths)


def _give_back(paths: Paths) -> None:
    from dockyard.containers import controller_place as place

    place.clear(paths)


if __name__ == "__main__":
    main(sys.argv[1:])
