from __future__ import annotations

import os
import subprocess

import pytest

from dockyard.system import host
from dockyard.system.host import ProcessIdentity


def test_this_process_is_alive() -> None:
    identity = host.identify(os.getpid())

    assert identity is not None
    assert identity.alive()


def test_a_number_with_another_start_or_boot_is_another_process() -> None:
    identity = host.identify(os.getpid())
    assert identity is not None

    assert not ProcessIdentity(identity.pid, identity.start + 1, identity.boot).alive()
    assert not ProcessIdentity(identity.pid, identity.start, "another boot").alive()


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        identity = host.identify(process.pid)
        assert identity is not None
        assert identity.alive()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not identity.alive()
    assert host.identify(process.pid) is None


def test_a_namespace_is_only_that_of_this_very_process() -> None:
    """By its number alone, that of whoever has the number now would be joined."""
    own = host.identify(os.getpid())
    assert own is not None
    descriptor = own.open_namespace("net")
    assert os.fstat(descriptor).st_ino == os.stat("/proc/self/ns/net").st_ino
    os.close(descriptor)
    before = sorted(os.listdir("/proc/self/fd"))
    for gone in (ProcessIdentity(own.pid, own.start + 1, own.boot),
                 ProcessIdentity(1 << 22, own.start, own.boot)):  # fmt: skip
        with pytest.raises(ProcessLookupError):
            gone.open_namespace("ipc")
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_name_with_brackets_and_spaces_is_read(tmp_path: object) -> None:
    script = "exec -a 'a) R 1 (b' sleep 60"
    with subprocess.Popen(["bash", "-c", script]) as process:
        state = host.process_state(process.pid)
        process.kill()
    assert state is not None
    assert state[1] > 0
