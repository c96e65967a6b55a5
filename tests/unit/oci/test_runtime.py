"""The runtime's configuration, whole: what changes in it is seen in a review.

``UPDATE_GOLDEN=1`` writes the files anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from dockyard.oci.runtime import (
    Device,
    DeviceRule,
    Hook,
    Identity,
    Limits,
    Process,
    Rlimit,
    Sandbox,
    SpecMount,
    process_spec,
    runtime_spec,
)
from dockyard.security import paths
from dockyard.security.capabilities import DEFAULT_BUILD, DEFAULT_RUN

GOLDEN = Path(__file__).parents[2] / "data" / "runtime"

RUN = Process(
    args=("python", "-m", "app"), env=("PATH=/bin", "A=b"), cwd="/app",
    capabilities=DEFAULT_RUN, rlimits=(Rlimit("nofile", 1024, -1),),
)  # fmt: skip
SANDBOX = Sandbox(
    rootfs="/root-of-it", hostname="box", network="/proc/1/fd/3", cgroup="/dockyard-0/c",
    masked_paths=paths.MASKED, readonly_paths=paths.READONLY,
)  # fmt: skip
CASES = {
    "default": (RUN, SANDBOX),
    "limits": (
        RUN,
        Sandbox(
            rootfs="/r", hostname="h", network="/n", cgroup="/c", shm_size=1 << 20, read_only=True,
            limits=Limits(memory=1 << 30, memory_and_swap=2 << 30, cpus=0.5, pids=100),
        ),
    ),
    "host-network": (RUN, Sandbox(rootfs="/r", hostname="h", network="host", cgroup="/c")),
    "mounts": (
        RUN,
        Sandbox(
            rootfs="/r", hostname="h", network="/n", cgroup="/c",
            mounts=(
                SpecMount("/a/b/c", "bind", "/deep", ("rbind", "ro")),
                SpecMount("/a", "bind", "/shallow", ("rbind", "rw")),
                SpecMount("/dev/shm", "tmpfs", "tmpfs", ("size=1",)),
                SpecMount("/a/../dev//x/", "bind", "/in-dev", ("rbind", "rw")),
            ),
        ),
    ),
    "everything": (
        msgspec.structs.replace(RUN, oom_score_adj=500, apparmor="mine"),
        Sandbox(
            rootfs="/r", hostname="h", network="/n", cgroup="/c", shm_size=None,
            namespaces={"pid": "/proc/7/ns/pid", "uts": "host", "ipc": "host"},
            limits=Limits(memory=1 << 30, memory_and_swap=-1, cpu_shares=512, cpuset_cpus="0-1"),
            devices=(Device(path="/dev/x", kind="c", major=1, minor=5, mode=0o666),),
            device_rules=(DeviceRule(kind="c", major=1, minor=5, access="r"), DeviceRule()),
            sysctls={"net.core.somaxconn": "7", "net.ipv4.ping_group_range": "0 0"},
            hooks={"createContainer": (Hook(path="/hook", args=("hook", "x"), timeout=5),)},
            writable_system=True, writable_cgroups=True, root_propagation="rslave",
            intel_rdt={"closID": "c"},
        ),
    ),
    "systemd": (RUN, Sandbox(rootfs="/r", hostname="h", network="/n",
                             cgroup="dockyard-0.slice:dockyard:c")),
    "build-step": (
        Process(
            args=("/bin/sh", "-c", "make"), env=("PATH=/bin",), capabilities=DEFAULT_BUILD,
            no_new_privileges=False,
        ),
        Sandbox(rootfs="/r", hostname="buildkitsandbox", network="/n", cgroup="/c"),
    ),
    "user": (
        Process(args=("id",), env=(), identity=Identity(1000, 1001, (50,), "/home/app"),
                capabilities=DEFAULT_RUN),
        SANDBOX,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_configuration_is_the_golden_one(name: str) -> None:
    process, sandbox = CASES[name]
    made = json.dumps(runtime_spec(process, sandbox), indent=1, sort_keys=True) + "\n"
    file = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(made)

    assert made == file.read_text()


def test_only_root_holds_capabilities() -> None:
    held = process_spec(CASES["user"][0])["capabilities"]

    assert isinstance(held, dict)
    assert held["effective"] == held["permitted"] == held["inheritable"] == held["ambient"] == []
    assert held["bounding"] == list(DEFAULT_RUN)


def test_mounts_come_after_those_that_they_lie_in() -> None:
    spec = runtime_spec(*CASES["mounts"])
    mounts = spec["mounts"]
    assert isinstance(mounts, list)
    order = [mount["destination"] for mount in mounts]

    assert order.index("/a") < order.index("/a/b/c")
    assert order.count("/dev/shm") == 1


def test_the_systems_mounts_lie_over_what_links_lead_there() -> None:
    """The runtime follows links of the image: one from /a to /dev must not cover the engine's."""
    mounts = runtime_spec(*CASES["mounts"])["mounts"]
    assert isinstance(mounts, list)
    order = [mount["destination"] for mount in mounts]

    assert order[:3] == ["/a", "/a/b/c", "/proc"]
    assert order[-1] == "/dev/x"


def test_there_is_always_a_namespace_of_each_kind_but_the_hosts_network() -> None:
    def kinds(name: str) -> set[str]:
        linux = runtime_spec(*CASES[name])["linux"]
        assert isinstance(linux, dict)
        return {each["type"] for each in linux["namespaces"]}

    assert kinds("default") == {"pid", "ipc", "uts", "mount", "cgroup", "network"}
    assert kinds("host-network") == kinds("default") - {"network"}
