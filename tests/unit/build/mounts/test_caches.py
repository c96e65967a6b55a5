"""Cache mounts: who gets which directory, and what stays of those that fail."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dockyard.build.mounts.caches import CacheMounts, Held, Sharing, Wanted
from dockyard.errors import BuildError
from dockyard.state.database import Database
from dockyard.state.paths import Paths


class Caches:
    """A store, and who uses it."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.database = Database(paths.database)
        self.store = CacheMounts(paths, self.database)
        self.filled = 0
        self.canceled = False

    def acquire(self, sharing: Sharing, key: str = "sha256:one") -> Held:
        return self.store.acquire(
            Wanted(key=key, name="n", sharing=sharing), self.fill, lambda: self.canceled
        )

    def fill(self, _directory: str) -> None:
        self.filled += 1

    def left(self) -> tuple[list[str], list[str]]:
        """Directories and locks."""
        return os.listdir(self.paths.caches), os.listdir(self.paths.locks)


@pytest.fixture
def caches(tmp_path: Path) -> Caches:
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    return Caches(paths)


def test_one_after_the_other_gets_the_same(caches: Caches) -> None:
    modes: tuple[Sharing, ...] = ("shared", "private", "locked", "shared")
    seen = set()
    for sharing in modes:
        held = caches.acquire(sharing)
        seen.add(held.directory)
        held.release()
    assert len(seen) == caches.filled == 1
    (cache,) = caches.store.all()
    assert (cache.uses, cache.in_use) == (4, False)
    caches.acquire("shared", "sha256:other").release()
    assert caches.filled == 2


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("shared", "shared", True), ("shared", "private", False), ("private", "shared", False),
        ("private", "private", False), ("locked", "shared", False),
    ],
)  # fmt: skip
def test_at_the_same_time(caches: Caches, first: Sharing, second: Sharing, same: bool) -> None:
    one, two = caches.acquire(first), caches.acquire(second)
    assert (one.directory == two.directory) is same
    assert all(cache.in_use for cache in caches.store.all())
    for held in (one, two):
        held.release()


@pytest.mark.parametrize("before", ["shared", "private", "locked"])
def test_locked_waits(caches: Caches, before: Sharing) -> None:
    first = caches.acquire(before)
    got: list[Held] = []
    waiting = threading.Thread(target=lambda: got.append(caches.acquire("locked")))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    first.release()
    waiting.join()
    assert got[0].directory == first.directory
    got[0].release()


def test_who_waits_can_be_canceled(caches: Caches) -> None:
    held = caches.acquire("locked")
    caches.canceled = True
    with pytest.raises(BuildError, match="canceled"):
        caches.acquire("locked")
    held.release()


def test_what_cannot_be_filled_leaves_nothing(caches: Caches) -> None:
    def fail(directory: str) -> None:
        Path(directory, "half").touch()
        raise BuildError("no")

    with pytest.raises(BuildError, match="no"):
        caches.store.acquire(
            Wanted(key="sha256:x", name="n", sharing="shared"), fail, lambda: False
        )
    assert (caches.store.all(), caches.left()) == ((), ([], []))


def test_removal_leaves_what_is_used(caches: Caches) -> None:
    held = caches.acquire("shared")
    (cache,) = caches.store.all()
    assert not caches.store.remove(cache.id)
    held.release()
    assert caches.store.remove(cache.id)
    assert not caches.store.remove(cache.id)
    assert caches.left() == ([], [])


def test_recovery_takes_only_what_nobody_makes(caches: Caches) -> None:
    def look(_directory: str) -> None:
        caches.store.recover()

    wanted = Wanted(key="sha256:x", name="n", sharing="shared")
    held = caches.store.acquire(wanted, look, lambda: False)
    assert os.path.isdir(held.directory)
    held.release()
    caches.database.execute("UPDATE cache_mounts SET state='deleting'")
    caches.store.recover()
    assert (caches.store.all(), caches.left()) == ((), ([], []))
