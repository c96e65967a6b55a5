"""Beginning a new log file when one is full.

conmon's own limit cuts the log off, so the file is renamed instead and the monitor asked to open
its log anew. Between the two it goes on writing to the renamed file: no line is lost, and the order
stays. A rotation that was killed in the middle is finished by the next one, for the log's name is
missing then.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib

from dockyard.containers import console
from dockyard.containers.logging import files, readers
from dockyard.containers.logging.settings import LogSettings
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.state.locks import Lock

_PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.002
_PIECE = 1 << 20
_LEVEL = 1
_GZIP = 16 + zlib.MAX_WBITS


def is_due(size: int | None, settings: LogSettings) -> bool:
    """Whether there is something to do. Pure.

    Args:
        size: bytes of the log; ``None`` where it is missing, as a killed rotation leaves it.
    """
    return settings.rotates and (size is None or size >= settings.max_size)


def size_of(log: str) -> int | None:
    """Bytes of the file that is written; ``None`` where there is none."""
    try:
        return os.stat(log).st_size
    except FileNotFoundError:
        return None


def check(parts: Parts, container: Container) -> bool:
    """Rotates a running container's log if it is full; True where a new file was begun.

    Nothing where somebody else works on the container: its next check comes.
    """
    log = parts.paths.log(container.id)
    if not (container.running and container.log.rotates and is_due(size_of(log), container.log)):
        return False
    lock = Lock.try_acquire(parts.lock_path(container.holder))
    if lock is None:
        return False
    with lock:
        now = parts.store.get(container.id)
        if now is None:
            lock.release(remove=True)
            return False
        if now.monitor is None or not now.monitor.alive():
            return False
        return is_due(size_of(log), now.log) and rotate(log, parts.paths.bundle(now.id), now.log)


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


def at_end(log: str, settings: LogSettings) -> None:
    """Leaves of what was written between the last look and the end what the limits allow in all.

    Nothing where somebody follows the log: to them a file in its place would be the next one. The
    monitor is gone, and the caller holds the lock.
    """
    tidy(log, settings)
    complete = sum(map(_plain_size, files.numbered(log).values()))
    keep = max(settings.max_size * settings.max_files - complete, settings.max_size)
    with readers.nobody(os.path.dirname(log)) as alone:
        if alone and (size_of(log) or 0) > keep:
            _cut(log, keep)


def before_start(log: str, settings: LogSettings) -> None:
    """Puts a full file aside while no monitor writes it."""
    size = size_of(log)
    if size is not None and is_due(size, settings):
        os.rename(log, files.complete(log, files.following(log)))
        tidy(log, settings)


def tidy(log: str, settings: LogSettings) -> None:
    """Removes files that are too many, cuts what is too much, compresses what is complete.

    Nothing is cut where somebody follows, and may not have come to it: the next time does it.
    """
    found = files.numbered(log)
    for number in files.obsolete(found, settings.max_files):
        del found[number]
        plain = files.complete(log, number)
        for path in (plain, files.compressed(plain)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    _cut_to(found, settings)
    if settings.compress:
        for path in found.values():
            if not files.is_compressed(path):
                _compress(path)


def _cut_to(found: dict[int, str], settings: LogSettings) -> None:
    """Cuts complete files, and takes those out of which nothing is kept."""
    sizes = {number: _plain_size(path) for number, path in found.items()}
    cut = files.excess(sizes, settings.max_size * (settings.max_files - 1))
    if not cut:
        return
    with readers.nobody(os.path.dirname(next(iter(found.values())))) as alone:
        for number, keep in cut.items() if alone else ():
            if keep:
                _cut(found[number], keep)
            else:
                os.unlink(found.pop(number))


def _plain_size(path: str) -> int:
    """Bytes of a complete file that count: one that is compressed was cut before."""
    return 0 if files.is_compressed(path) else size_of(path) or 0


def _cut(path: str, keep: int) -> None:
    """Leaves the last lines of a file, so many bytes at most. It has its name all the time."""
    temporary = f"{path}.new"
    with open(path, "rb") as source, open(temporary, "wb") as target:
        os.fchmod(target.fileno(), 0o600)
        source.seek(-keep - 1, os.SEEK_END)  # one more: it may be the end of the line before
        source.readline()
        while piece := source.read(_PIECE):
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    os.rename(temporary, path)


def _appears(path: str) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _compress(path: str) -> None:
    """Replaces a file by its gzip; a reader finds one or the other, whole."""
    temporary = f"{path}.new"
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    with open(path, "rb") as source, open(temporary, "wb") as target:
        os.fchmod(target.fileno(), 0o600)
        while piece := source.read(_PIECE):
            target.write(packer.compress(piece))
        target.write(packer.flush())
        target.flush()
        os.fsync(target.fileno())
    os.rename(temporary, files.compressed(path))
    os.unlink(path)
