"""Directories that outlive builds: ``RUN --mount=type=cache``.

Each has a row before it appears and until after it is gone. Who uses one holds its lock, shared
or alone, so that several processes can build at once; who looks for one to use, or makes it,
holds the lock of the key meanwhile. A crash leaves a row that isn't ``ready``, which
:meth:`CacheMounts.recover` ends, and otherwise a cache that is as good as before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from dockyard.errors import BuildError
from dockyard.images.flags import clear_flags_below
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import files

_POLL_SECONDS = 0.1

Sharing = Literal["shared", "private", "locked"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A cache to use: ``key`` finds it again, ``name`` is its id for people."""

    key: str
    name: str
    sharing: Sharing


class Held(msgspec.Struct, frozen=True):
    """A cache in use: its directory, until the lock is released."""

    directory: str
    lock: Lock

    def release(self) -> None:
        """Lets others have it."""
        self.lock.release()


class CacheMount(msgspec.Struct, frozen=True, kw_only=True):
    """A cache on disk: times in nanoseconds since 1970, size in bytes."""

    id: str
    name: str
    created: int
    used: int
    uses: int
    size: int
    in_use: bool


class CacheMounts:
    """The caches of one root."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database

    def acquire(
        self, wanted: Wanted, fill: Callable[[str], None], canceled: Callable[[], bool]
    ) -> Held:
        """A cache to use, made where there is none.

        ``shared`` has it together with others, ``private`` takes another where it is in use,
        ``locked`` waits.

        Args:
            fill: gives a new directory its first content, owner and mode.
            canceled: asked while waiting.

        Raises:
            BuildError: the build was cancelled while this waited.
        """
        while True:
            with self._gate(wanted.key) as gate:
                ids = self._ids(wanted.key)
                held = self._first_free(ids, wanted)
                if held is None and (wanted.sharing != "locked" or not ids):
                    held = self._make(wanted, fill)
                gate.release(remove=True)
            if held is not None:
                return held
            if canceled():
                raise BuildError("canceled", reference="canceled")
            time.sleep(_POLL_SECONDS)

    def all(self) -> tuple[CacheMount, ...]:
        """All caches, the least recently used first."""
        rows = self._database.query(
            "SELECT id, name, created, used, uses, key FROM cache_mounts WHERE state='ready'"
            " ORDER BY used, id"
        )
        return tuple(
            CacheMount(
                id=row[0], name=row[1], created=row[2], used=row[3], uses=row[4],
                size=files.tree_size(self._paths.cache(row[0])), in_use=self._in_use(*row[::5]),
            )
            for row in rows
        )  # fmt: skip

    def remove(self, cache_id: str) -> bool:
        """Removes a cache; False where somebody uses it, or it is gone already."""
        lock = Lock.try_acquire(self._lock(f"m-{cache_id}"))
        if lock is None:
            return False
        with lock:
            condemned = self._database.execute(
                "UPDATE cache_mounts SET state='deleting' WHERE id=?", (cache_id,)
            )
            if condemned:
                self._delete(cache_id)
            lock.release(remove=True)
        return bool(condemned)

    def recover(self) -> None:
        """Removes what was being made or removed when its process was killed."""
        for (cache_id,) in self._database.query("SELECT id FROM cache_mounts WHERE state<>'ready'"):
            lock = Lock.try_acquire(self._lock(f"m-{cache_id}"))
            if lock is None:
                continue
            with lock:
                if self._state(cache_id) in {"pending", "deleting"}:
                    self._delete(cache_id)
                lock.release(remove=True)

    def _ids(self, key: str) -> list[str]:
        rows = self._database.query(
            "SELECT id FROM cache_mounts WHERE key=? AND state='ready' ORDER BY used DESC, id",
            (key,),
        )
        return [row[0] for row in rows]

    def _first_free(self, ids: list[str], wanted: Wanted) -> Held | None:
        for cache_id in ids:
            lock = Lock.try_acquire(self._lock(f"m-{cache_id}"), shared=wanted.sharing == "shared")
            if lock is None:
                continue
            now = time.time_ns()
            found = self._database.execute(
                "UPDATE cache_mounts SET used=max(used, ?), uses=uses+1"
                " WHERE id=? AND state='ready'",
                (now, cache_id),
            )
            if found:
                return Held(_content(self._paths.cache(cache_id)), lock)
            lock.release()  # it was removed meanwhile
        return None

    def _make(self, wanted: Wanted, fill: Callable[[str], None]) -> Held:
        cache_id = os.urandom(8).hex()
        lock = Lock.acquire(self._lock(f"m-{cache_id}"))
        now = time.time_ns()
        self._database.execute(
            "INSERT INTO cache_mounts (id, key, name, state, created, used, uses)"
            " VALUES (?, ?, ?, 'pending', ?, ?, 1)",
            (cache_id, wanted.key, wanted.name, now, now),
        )
        directory = _content(self._paths.cache(cache_id))
        try:
            os.makedirs(directory)
            fill(directory)
        except BaseException:
            self._delete(cache_id)
            lock.release(remove=True)
            raise
        self._database.execute("UPDATE cache_mounts SET state='ready' WHERE id=?", (cache_id,))
        if wanted.sharing == "shared":
            lock.share()
        return Held(directory, lock)

    def _delete(self, cache_id: str) -> None:
        """Removes directory and row, in this order. The caller holds the lock."""
        path = self._paths.cache(cache_id)
        try:
            files.remove_tree(path)
        except PermissionError:
            clear_flags_below(path)
            files.remove_tree(path)
        self._database.execute("DELETE FROM cache_mounts WHERE id=?", (cache_id,))

    def _in_use(self, cache_id: str, key: str) -> bool:
        with self._gate(key) as gate:  # else a step would find it in use by this look
            lock = Lock.try_acquire(self._lock(f"m-{cache_id}"))
            if lock is not None:
                lock.release()
            gate.release(remove=True)
        return lock is None

    def _gate(self, key: str) -> Lock:
        return Lock.acquire(self._lock(f"k-{key[-16:]}"))

    def _state(self, cache_id: str) -> str | None:
        row = self._database.query_one("SELECT state FROM cache_mounts WHERE id=?", (cache_id,))
        return None if row is None else row[0]

    def _lock(self, name: str) -> str:
        return f"{self._paths.locks}/{name}.lock"


def _content(directory: str) -> str:
    """What steps see; its owner and mode may be anything, the directory around it is ours."""
    return f"{directory}/data"
