"""Real cgroups of this host: entered, read, emptied, removed. Nothing of them stays."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from dockyard.observability import stats
from dockyard.system import cgroups, host
from dockyard.system.cgroups import CgroupLayout

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="cgroups need root here")

FORKING = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.read(1)
for _ in range(4):
    os.fork()
while True:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
"""
BUSY = """
import sys
sys.stdin.read(1)
data = bytearray(b"x" * (32 << 20))
print("ready", flush=True)
while True:
    pass
"""


def unified_only(layout: CgroupLayout) -> CgroupLayout:
    """The host's cgroup2 alone, as a host with nothing else would have it."""
    if layout.unified_mount is None:
        pytest.skip("this host has no cgroup2")
    return CgroupLayout(
        mode="v2",
        unified_mount=layout.unified_mount,
        mounts={},
        controllers=layout.unified_controllers,
        systemd=False,
    )


@pytest.fixture(params=["as it is", "cgroup2 alone"])
def layout(request: pytest.FixtureRequest) -> CgroupLayout:
    found = cgroups.read_layout()
    return found if request.param == "as it is" else unified_only(found)


@pytest.fixture
def path(layout: CgroupLayout) -> Iterator[str]:
    path = f"/dockyard-test{secrets.token_hex(4)}/one"
    yield path
    assert cgroups.kill_all(layout, path)
    assert cgroups.remove(layout, path) == ()
    parent = os.path.dirname(path)
    assert not [found for found in cgroups.directories(layout, parent) if os.path.exists(found)]


def start(layout: CgroupLayout, path: str, program: str) -> subprocess.Popen[bytes]:
    """A process in the cgroup before it begins its work."""
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert cgroups.create_and_enter(layout, path, child.pid)
    for directory in cgroups.directories(layout, path):  # also where it needn't be
        cgroups._enter(directory, child.pid)
    child.stdin.write(b"x")
    child.stdin.close()
    return child


def end(child: subprocess.Popen[bytes]) -> int:
    assert child.stdout is not None
    child.stdout.close()
    return child.wait(timeout=10)


def test_a_process_is_found_and_killed(layout: CgroupLayout, path: str) -> None:
    child = start(layout, path, BUSY)
    assert cgroups.pids(layout, path) == (child.pid,)
    assert cgroups.kill_all(layout, path)
    assert end(child) == -signal.SIGKILL
    assert cgroups.pids(layout, path) == ()


def test_processes_that_keep_forking_are_killed(layout: CgroupLayout, path: str) -> None:
    child = start(layout, path, FORKING)
    while len(cgroups.pids(layout, path)) < 16:
        time.sleep(0.01)
    assert cgroups.kill_all(layout, path)
    assert cgroups.pids(layout, path) == ()
    assert end(child) == -signal.SIGKILL


def test_frozen_processes_are_killed(layout: CgroupLayout, path: str) -> None:
    child = start(layout, path, BUSY)
    freezer = cgroups.directory(layout, path, "freezer")
    name, state = ("cgroup.freeze", "1") if layout.mode == "v2" else ("freezer.state", "FROZEN")
    with open(f"{freezer}/{name}", "w", encoding="ascii") as stream:
        stream.write(state)
    assert cgroups.kill_all(layout, path)
    assert end(child) == -signal.SIGKILL


def test_a_cgroup_in_use_is_not_removed(layout: CgroupLayout, path: str) -> None:
    child = start(layout, path, BUSY)
    assert cgroups.remove(layout, path, seconds=0) == cgroups.directories(layout, path)
    assert cgroups.pids(layout, path) == (child.pid,)
    cgroups.kill_all(layout, path)
    end(child)


def test_groups_inside_are_emptied_and_removed(layout: CgroupLayout, path: str) -> None:
    child = start(layout, f"{path}/inner/most", BUSY)
    assert cgroups.pids(layout, path) == (child.pid,)
    assert cgroups.kill_all(layout, path)
    end(child)
    assert cgroups.remove(layout, path) == ()
    assert cgroups.remove(layout, path) == ()


def test_the_parent_stays_while_it_has_another(layout: CgroupLayout, path: str) -> None:
    other = f"{os.path.dirname(path)}/two"
    children = [start(layout, one, BUSY) for one in (path, other)]
    assert cgroups.kill_all(layout, other)
    assert cgroups.remove(layout, other) == ()
    assert cgroups.pids(layout, path) == (children[0].pid,)
    cgroups.kill_all(layout, path)
    for child in children:
        end(child)


def test_what_crun_leaves_outside_any_hierarchy_is_removed(layout: CgroupLayout, path: str) -> None:
    strays = [
        stray
        for stray in cgroups.stray_directories(layout, path)
        if os.path.isdir(os.path.dirname(os.path.dirname(stray)))
    ]
    for stray in strays:
        os.makedirs(stray)
        with open(f"{stray}/cgroup.procs", "w", encoding="ascii") as stream:
            stream.write(str(os.getpid()))
    assert cgroups.pids(layout, path) == ()
    assert cgroups.kill_all(layout, path)
    assert cgroups.remove(layout, path) == ()
    assert not [stray for stray in strays if os.path.exists(os.path.dirname(stray))]


def test_a_busy_process_shows_in_the_statistics(layout: CgroupLayout, path: str) -> None:
    child = start(layout, path, BUSY)
    assert child.stdout is not None
    child.stdout.readline()
    before = stats.read_sample(layout, path, child.pid)
    time.sleep(0.1)
    after = stats.read_sample(layout, path, child.pid)
    assert stats.cpu_percent(before, after) > 0
    if not cgroups.missing_controllers(layout, {"memory"}):
        assert after.memory_bytes > 32 << 20
    if not cgroups.missing_controllers(layout, {"pids"}):
        assert after.pids == 1
    assert after.memory_limit == host.memory_bytes()
    cgroups.kill_all(layout, path)
    end(child)
