from __future__ import annotations

import os
import stat

import pytest

from dockyard.containers.spec_injection import with_devices
from dockyard.devices.inject import inject
from dockyard.devices.model import DeviceNode, Edits, Hook, IntelRdt, Mount, NetDevice
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci import runtime
from dockyard.oci.resources import Device, DeviceRule
from dockyard.oci.runtime import Identity, Process, Sandbox, SpecMount

NODES = {
    "/dev/zero": (stat.S_IFCHR | 0o666, os.makedev(1, 5)),
    "/dev/sda": (stat.S_IFBLK | 0o660, os.makedev(8, 0)),
    "/run/pipe": (stat.S_IFIFO | 0o600, 0),
    "/etc/passwd": (stat.S_IFREG | 0o644, 0),
}


ROOT = Identity()


def look_up(path: str) -> os.stat_result:
    if path not in NODES:
        raise FileNotFoundError(2, "No such file or directory")
    mode, number = NODES[path]
    return os.stat_result((mode, 0, 0, 1, 0, 0, 0, 0, 0, 0), {"st_rdev": number})


def nodes(*described: DeviceNode, identity: Identity = ROOT) -> tuple[
    tuple[Device, ...], tuple[DeviceRule, ...]
]:  # fmt: skip
    made = inject(Edits(device_nodes=described), identity, look_up)
    return made.nodes, made.rules


def test_what_a_node_leaves_out_is_the_hosts() -> None:
    assert nodes(DeviceNode(path="/dev/mine", host_path="/dev/zero")) == (
        (Device(path="/dev/mine", kind="c", major=1, minor=5, mode=0o666),),
        (DeviceRule(kind="c", major=1, minor=5, access="rwm"),),
    )
    made, rules = nodes(DeviceNode(path="/dev/sda", permissions="r", gid=6))
    assert made == (Device(path="/dev/sda", kind="b", major=8, mode=0o660, gid=6),)
    assert rules == (DeviceRule(kind="b", major=8, minor=0, access="r"),)


def test_a_node_that_is_described_whole_need_not_be_there() -> None:
    whole = DeviceNode(path="/dev/gone", type="c", major=195, minor=7, permissions="none")
    assert nodes(whole) == (
        (Device(path="/dev/gone", kind="c", major=195, minor=7),),
        (),
    )


def test_a_pipe_has_neither_number_nor_rule() -> None:
    made, rules = nodes(DeviceNode(path="/run/pipe"))
    assert (made[0].kind, made[0].major, rules) == ("p", 0, ())


def test_a_node_belongs_to_the_user_of_the_process_and_replaces_its_namesake() -> None:
    made, _ = nodes(
        DeviceNode(path="/dev/x", host_path="/dev/sda"),
        DeviceNode(path="/dev/x", host_path="/dev/zero", uid=0),
        identity=Identity(1000, 1001),
    )
    assert made == (Device(path="/dev/x", kind="c", major=1, minor=5, mode=0o666, uid=0, gid=1001),)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (DeviceNode(path="/dev/gone"), "cannot stat /dev/gone: No such file"),
        (DeviceNode(path="/etc/passwd"), "not a device node"),
        (DeviceNode(path="/dev/zero", type="b"), "is of type c, not b"),
    ],
)
def test_a_node_that_is_not_as_described_is_an_error(node: DeviceNode, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        nodes(node)


def test_mounts_are_binds_sorted_by_depth_and_the_last_of_a_place_counts() -> None:
    edits = Edits(mounts=(
        Mount(host_path="/h/1", container_path="/a/b/c", options=("ro", "rbind")),
        Mount(host_path="/h/2", container_path="/a"),
        Mount(host_path="/h/3", container_path="/a/b/c", options=("ro", "bind"), type="bind"),
        Mount(host_path="tmpfs", container_path="/t", type="tmpfs", options=("size=1m",)),
    ))  # fmt: skip
    assert inject(edits, Identity(), look_up).mounts == (
        SpecMount("/a", "bind", "/h/2", ("rbind",)),
        SpecMount("/t", "tmpfs", "tmpfs", ("size=1m",)),
        SpecMount("/a/b/c", "bind", "/h/3", ("ro", "bind")),
    )


def test_hooks_groups_and_shares_of_the_cache() -> None:
    edits = Edits(
        hooks=(
            Hook(hook_name="createContainer", path="/p", args=("p", "x"), timeout=5),
            Hook(hook_name="createContainer", path="/q", env=("A=1",)),
        ),
        additional_gids=(0, 44),
        intel_rdt=IntelRdt(clos_id="c", mem_bw_schema="MB:0=10"),
    )
    made = inject(edits, Identity(), look_up, has_resctrl=True)
    assert made.groups == (44,)
    assert made.intel_rdt == {"closID": "c", "memBwSchema": "MB:0=10"}
    assert made.hooks == {"createContainer": (
        runtime.Hook(path="/p", args=("p", "x"), timeout=5),
        runtime.Hook(path="/q", env=("A=1",)),
    )}  # fmt: skip


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        (Edits(net_devices=(NetDevice(host_interface_name="eth9", name="n"),)), "eth9"),
        (Edits(intel_rdt=IntelRdt(schemata=("L3:0=f",))), "schemata or monitoring"),
    ],
)
def test_what_no_runtime_does_is_refused(edits: Edits, words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        inject(edits, Identity(), look_up, has_resctrl=True)
    with pytest.raises(NotSupported, match="no resctrl"):
        inject(Edits(intel_rdt=IntelRdt(clos_id="c")), Identity(), look_up)


def test_a_specification_with_devices() -> None:
    edits = Edits(
        env=("NVIDIA_VISIBLE_DEVICES=void",), additional_gids=(44,),
        device_nodes=(DeviceNode(path="/dev/x", host_path="/dev/zero"),),
        mounts=(Mount(host_path="/lib/a.so", container_path="/lib/a.so", options=("ro",)),),
        hooks=(Hook(hook_name="createContainer", path="/bin/true"),),
    )  # fmt: skip
    process = Process(args=("x",), env=("NVIDIA_VISIBLE_DEVICES=all", "B=2"))
    sandbox = Sandbox(rootfs="r", hostname="h", network="host", cgroup="/c")
    document = runtime.runtime_spec(
        *with_devices(process, sandbox, inject(edits, Identity(), look_up))
    )

    assert document["process"]["env"] == ["NVIDIA_VISIBLE_DEVICES=void", "B=2"]  # type: ignore[index]
    assert document["process"]["user"]["additionalGids"] == [44]  # type: ignore[index]
    linux = document["linux"]
    assert linux["devices"] == [  # type: ignore[index]
        {"path": "/dev/x", "type": "c", "major": 1, "minor": 5, "fileMode": 0o666}
    ]
    assert linux["resources"]["devices"][1:] == [  # type: ignore[index]
        {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "rwm"}
    ]
    assert document["hooks"] == {"createContainer": [{"path": "/bin/true"}]}
    mounts = {each["destination"]: each for each in document["mounts"]}  # type: ignore[attr-defined]
    assert mounts["/lib/a.so"] == {
        "destination": "/lib/a.so", "type": "bind", "source": "/lib/a.so",
        "options": ["rbind", "ro"],
    }  # fmt: skip
