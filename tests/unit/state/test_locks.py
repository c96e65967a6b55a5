from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dockyard.errors import Conflict
from dockyard.state.locks import Lock

HOLDER = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    with Lock.acquire(path):
        assert Lock.try_acquire(path) is None
        with pytest.raises(Conflict, match="a is in use by another dockyard process"):
            Lock.acquire(path, timeout=0.05)
    with Lock.acquire(path, timeout=1):
        pass


def test_it_goes_with_its_process(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert Lock.try_acquire(path) is None
        holder.kill()
    lock = Lock.try_acquire(path)
    assert lock is not None
    lock.release()


def test_children_do_not_inherit_it(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    lock = Lock.acquire(path)
    with subprocess.Popen(["sleep", "60"]) as child:
        lock.release()
        again = Lock.try_acquire(path)
        child.kill()
    assert again is not None
    again.release()


def test_a_removed_file_is_no_lock(tmp_path: Path) -> None:
    """Who waited for a lock that is then removed must not believe that he holds it."""
    path = str(tmp_path / "a.lock")
    first = Lock.acquire(path)
    got: list[Lock] = []
    waiting = threading.Thread(target=lambda: got.append(Lock.acquire(path)))
    waiting.start()
    first.release(remove=True)
    waiting.join(timeout=10)

    assert os.path.exists(path)
    assert Lock.try_acquire(path) is None
    got[0].release(remove=True)
    assert not os.path.exists(path)


def test_many_threads_that_remove_it_exclude_each_other(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            lock = Lock.acquire(path)
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)
            lock.release(remove=number % 2 == 0)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(most) == 300
    assert set(most) == {1}


def test_release_is_idempotent(tmp_path: Path) -> None:
    lock = Lock.acquire(str(tmp_path / "a.lock"))
    lock.release(remove=True)
    lock.release(remove=True)


def test_a_shared_lock_keeps_away_who_wants_it_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with Lock.acquire(path) as first:
        assert Lock.try_acquire(path, shared=True) is None
        first.share()
        second = Lock.try_acquire(path, shared=True)
        assert second is not None
        assert Lock.try_acquire(path) is None
    assert Lock.try_acquire(path) is None
    second.release()
    alone = Lock.try_acquire(path)
    assert alone is not None
    alone.release()
