from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import InvalidInput, NotSupported
from dockyard.system.cgroup_layout import (
    CgroupLayout,
    cgroup_path,
    detect,
    directories,
    directory,
    missing_controllers,
    relative_path,
    stray_directories,
)

V2_MOUNTS = """\
22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
99 28 0:26 / /srv/jail/sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw,nsdelegate
"""
V2_CGROUPS = """\
#subsys_name	hierarchy	num_cgroups	enabled
cpuset	0	93	1
cpu	0	93	1
memory	0	93	1
pids	0	93	1
"""
V2_CONTROLLERS = "cpuset cpu io memory hugetlb pids rdma misc\n"

V1_MOUNTS = """\
25 18 0:21 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:8 - tmpfs tmpfs ro,mode=755
26 25 0:22 / /sys/fs/cgroup/systemd rw,nosuid shared:9 - cgroup cgroup \
rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd
28 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:13 - cgroup cgroup rw,cpu,cpuacct
29 25 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:14 - cgroup cgroup rw,memory
30 25 0:27 / /sys/fs/cgroup/pids rw,nosuid shared:15 - cgroup cgroup rw,pids
31 25 0:28 / /sys/fs/cgroup/freezer rw,nosuid shared:16 - cgroup cgroup rw,freezer
"""
V1_CGROUPS = """\
#subsys_name	hierarchy	num_cgroups	enabled
cpu	4	54	1
cpuacct	4	54	1
memory	5	92	1
freezer	7	2	1
pids	6	60	1
perf_event	0	1	1
"""

HYBRID_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
HYBRID_CGROUPS = """\
#subsys_name	hierarchy	num_cgroups	enabled
cpu	1	2	1
memory	4	14	1
blkio	7	2	1
hugetlb	10	1	1
net_cls	0	2	1
"""


@pytest.fixture
def v1() -> CgroupLayout:
    return detect(V1_MOUNTS, V1_CGROUPS, "", systemd=True)


@pytest.fixture
def v2() -> CgroupLayout:
    return detect(V2_MOUNTS, V2_CGROUPS, V2_CONTROLLERS, systemd=False)


@pytest.fixture
def hybrid() -> CgroupLayout:
    return detect(HYBRID_MOUNTS, HYBRID_CGROUPS, "", systemd=False)


def test_a_v2_host(v2: CgroupLayout) -> None:
    controllers = frozenset(V2_CONTROLLERS.split())
    assert v2 == CgroupLayout(
        mode="v2",
        unified_mount="/sys/fs/cgroup",
        mounts={},
        controllers=controllers,
        unified_controllers=controllers,
        systemd=False,
    )


def test_a_v1_host(v1: CgroupLayout) -> None:
    assert v1 == CgroupLayout(
        mode="v1",
        unified_mount=None,
        mounts={
            "name=systemd": "/sys/fs/cgroup/systemd",
            "cpu": "/sys/fs/cgroup/cpu,cpuacct",
            "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
            "memory": "/sys/fs/cgroup/memory",
            "pids": "/sys/fs/cgroup/pids",
            "freezer": "/sys/fs/cgroup/freezer",
        },
        controllers=frozenset({"cpu", "cpuacct", "memory", "pids", "freezer"}),
        systemd=True,
    )


def test_a_hybrid_host(hybrid: CgroupLayout) -> None:
    assert hybrid == CgroupLayout(
        mode="hybrid",
        unified_mount="/sys/fs/cgroup/unified",
        mounts={
            "cpu": "/sys/fs/cgroup/cpu",
            "memory": "/sys/fs/cgroup/memory",
            "blkio": "/sys/fs/cgroup/blkio",
            "name=systemd": "/sys/fs/cgroup/systemd",
        },
        unmounted=frozenset({"hugetlb"}),
        controllers=frozenset({"cpu", "memory", "blkio"}),
        systemd=False,
    )


def test_controllers_of_cgroup2_are_seen_but_not_used_on_a_hybrid_host() -> None:
    layout = detect(HYBRID_MOUNTS, HYBRID_CGROUPS, "pids\n", systemd=False)
    assert layout.unified_controllers == {"pids"}
    assert missing_controllers(layout, {"pids"}) == ("pids",)


def test_a_host_without_cgroups_is_told_so() -> None:
    with pytest.raises(NotSupported, match="no cgroup hierarchy"):
        detect("28 1 254:1 / / rw - ext4 /dev/vda1 rw\n", V2_CGROUPS, "", systemd=False)


def test_the_path_for_a_runtime_that_makes_cgroups_itself(hybrid: CgroupLayout) -> None:
    assert cgroup_path(hybrid, "0a1b2c3d", "f00") == "/dockyard-0a1b2c3d/f00"


def test_the_path_for_a_runtime_that_asks_systemd(v1: CgroupLayout) -> None:
    assert cgroup_path(v1, "0a1b2c3d", "f00") == "dockyard-0a1b2c3d.slice:dockyard:f00"


def test_one_directory_on_v2(v2: CgroupLayout) -> None:
    assert directories(v2, "/dockyard-x/f00") == ("/sys/fs/cgroup/dockyard-x/f00",)


def test_systemds_names_become_nested_directories(v1: CgroupLayout) -> None:
    below = "dockyard.slice/dockyard-x.slice/dockyard-f00.scope"
    assert directories(v1, "dockyard-x.slice:dockyard:f00") == (
        f"/sys/fs/cgroup/systemd/{below}",
        f"/sys/fs/cgroup/cpu,cpuacct/{below}",
        f"/sys/fs/cgroup/memory/{below}",
        f"/sys/fs/cgroup/pids/{below}",
        f"/sys/fs/cgroup/freezer/{below}",
    )


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("system.slice:docker:f00", "system.slice/docker-f00.scope"),
        ("-.slice:docker:f00", "docker-f00.scope"),
        ("system.slice::f00", "system.slice/f00.scope"),
        ("/one//two/", "one/two"),
    ],
)
def test_paths_below_a_hierarchy(path: str, below: str) -> None:
    assert relative_path(path) == below


def test_every_hierarchy_of_a_hybrid_host(hybrid: CgroupLayout) -> None:
    assert directories(hybrid, "/dockyard-x/f00") == (
        "/sys/fs/cgroup/cpu/dockyard-x/f00",
        "/sys/fs/cgroup/memory/dockyard-x/f00",
        "/sys/fs/cgroup/blkio/dockyard-x/f00",
        "/sys/fs/cgroup/systemd/dockyard-x/f00",
        "/sys/fs/cgroup/unified/dockyard-x/f00",
    )
    assert stray_directories(hybrid, "/dockyard-x/f00") == (
        "/sys/fs/cgroup/hugetlb/dockyard-x/f00",
    )


def test_the_directory_of_one_controller(v2: CgroupLayout, hybrid: CgroupLayout) -> None:
    assert directory(v2, "/a/b", "memory") == "/sys/fs/cgroup/a/b"
    assert directory(hybrid, "/a/b", "memory") == "/sys/fs/cgroup/memory/a/b"
    assert directory(hybrid, "/a/b", "pids") is None


def test_limits_that_cannot_be_applied_are_named(v2: CgroupLayout, hybrid: CgroupLayout) -> None:
    assert missing_controllers(hybrid, {"cpu", "pids", "cpuset"}) == ("cpuset", "pids")
    assert missing_controllers(v2, {"cpu", "pids", "cpuset"}) == ()


def test_disk_limits_are_the_same_under_both_names(v2: CgroupLayout, hybrid: CgroupLayout) -> None:
    for name in ("io", "blkio"):
        assert missing_controllers(v2, {name}) == ()
        assert missing_controllers(hybrid, {name}) == ()


@pytest.mark.parametrize("path", ["", "/", "/../x", "/a/../../b", "a/./b", "../a.slice:x:y"])
def test_a_path_that_leaves_the_hierarchy_is_refused(path: str, hybrid: CgroupLayout) -> None:
    with pytest.raises(InvalidInput):
        directories(hybrid, path)


@given(st.text(alphabet="a.:/-", max_size=20))
def test_no_path_gets_out(path: str) -> None:
    try:
        below = relative_path(path)
    except InvalidInput:
        return
    assert below
    assert not {"", ".", ".."} & set(below.split("/"))


def test_a_container_may_be_in_a_cgroup_that_the_user_names() -> None:
    v2 = detect(V2_MOUNTS, V2_CGROUPS, "memory pids", systemd=False)
    assert cgroup_path(v2, "0a1b2c3d", "f00", parent="mine/deep") == "/mine/deep/f00"
    assert cgroup_path(v2, "0a1b2c3d", "f00", parent="/mine") == "/mine/f00"
    slices = detect(V2_MOUNTS, V2_CGROUPS, "memory pids", systemd=True)
    assert cgroup_path(slices, "0a1b2c3d", "f00", parent="a.slice") == "a.slice:dockyard:f00"
    for layout, parent in ((v2, "../x"), (v2, "/"), (slices, "mine"), (slices, "/a/b.slice")):
        with pytest.raises(InvalidInput):
            cgroup_path(layout, "0a1b2c3d", "f00", parent=parent)
