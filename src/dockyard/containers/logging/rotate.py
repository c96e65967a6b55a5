"""Beginning a new log file when one is full.

conmon's own limit cuts the log off, so the file is renamed instead and the monitor asked to open
its log anew. Between the two it goes on writing to the renamed file: no line is lost, and the order
stays. A rotation that was killed in the middle is finished by the next one, for the log's name is
missing then.

A fast writer makes a file larger than it should be before anybody looks. Of such files the newest
lines stay, so many as there is room for: the complete files together have that of all but one.
"""

from __future__ import annotations

import os
import time

from dockyard.containers import console
from dockyard.containers.logging import files, retention
from dockyard.containers.logging.settings import LogSettings
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.state.locks import Lock

_PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.002
_MODE = 0o600
_STILL = frozenset({"created", "exited", "restarting"})
"""States without a monitor, where the container's lock is free."""


def is_due(size: int | None, settings: LogSettings, grown: int = 0) -> bool:
    """Whether there is something to do. Pure.

    Args:
        size: bytes of the log; ``None`` where it is missing, as a killed rotation leaves it.
        grown: bytes by which it is expected to grow until somebody looks again.
    """
    return settings.rotates and (size is None or size + grown >= settings.max_size)


def size_of(log: str) -> int | None:
    """Bytes of the file that is written; ``None`` where there is none."""
    try:
        return os.stat(log).st_size
    except FileNotFoundError:
        return None


def check(parts: Parts, container: Container, grown: int = 0) -> bool:
    """Rotates a running container's log if it is full; True where a new file was begun.

    Of one that doesn't run, what is too much goes. Nothing is done where somebody else works on the
    container: its next check comes.

    Args:
        grown: see :func:`is_due`.
    """
    log, settings = parts.paths.log(container.id), container.log
    if not settings.rotates:
        return False
    if not (is_due(size_of(log), settings, grown) if container.running else _excess(log, settings)):
        return False
    lock = Lock.try_acquire(parts.lock_path(container.holder))
    if lock is None:
        return False
    with lock:
        now = parts.store.get(container.id)
        if now is None:
            lock.release(remove=True)
            return False
        if now.state in _STILL:
            settle(log, settings)
        if now.monitor is None or not now.monitor.alive():
            return False
        due = is_due(size_of(log), settings, grown)
        return due and rotate(log, parts.paths.bundle(now.id), settings)


def rotate(log: str, bundle: str, settings: LogSettings) -> bool:
    """Begins a new file; False where the monitor doesn't answer. The caller holds the lock."""
    full = files.complete(log, files.following(log))
    begun = os.path.exists(log)
    if begun:
        os.rename(log, full)
    if not console.reopen_logs(bundle):
        if begun:
            os.rename(full, log)  # nobody was told, so it is still the one that is written
        return False
    if not _appears(log):
        return False
    tidy(log, settings)
    return True


def before_start(log: str, settings: LogSettings) -> None:
    """Puts a full file aside while no monitor writes it."""
    size = size_of(log)
    if size is not None and is_due(size, settings):
        os.rename(log, files.complete(log, files.following(log)))
    tidy(log, settings)


def settle(log: str, settings: LogSettings) -> None:
    """Cuts down to the limit what a fast writer left at its end. The caller holds the lock.

    The room of the file that was written is the others', where that one is put aside: what remains
    is as much as ever may, and it is the newest.
    """
    if not _excess(log, settings):
        return
    if (size_of(log) or 0) > settings.max_size:
        os.rename(log, files.complete(log, files.following(log)))
        with open(log, "xb") as stream:  # as a rotation leaves it, and as inspect names it
            os.fchmod(stream.fileno(), _MODE)
    room = settings.max_files * settings.max_size - (size_of(log) or 0)
    retention.keep(log, max(settings.max_files - 1, 1), room, compress=settings.compress)


def tidy(log: str, settings: LogSettings) -> None:
    """Removes what is too much beside the file that is written, and compresses the rest."""
    others = settings.max_files - 1
    retention.keep(log, others, others * settings.max_size, compress=settings.compress)


def _excess(log: str, settings: LogSettings) -> bool:
    """Whether a log that nobody writes is larger than it may be."""
    written = size_of(log) or 0
    whole = written + sum(retention.sizes(log).values())
    return written > settings.max_size or whole > settings.max_files * settings.max_size


def _appears(path: str) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
