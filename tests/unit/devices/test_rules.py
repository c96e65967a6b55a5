from __future__ import annotations

from typing import Any

import pytest

from dockyard.devices import rules
from dockyard.devices.model import Edits
from dockyard.devices.rules import BadSpec, is_qualified, parse, required_version

EDITS = {"env": ["A=1"]}


def spec(**changes: Any) -> dict[str, Any]:
    whole = {
        "cdiVersion": "1.1.0", "kind": "vendor.com/class",
        "devices": [{"name": "a", "containerEdits": EDITS}],
    }  # fmt: skip
    return {name: value for name, value in (whole | changes).items() if value is not None}


def device(name: str = "a", **edits: Any) -> list[dict[str, Any]]:
    return [{"name": name, "containerEdits": edits or EDITS}]


def test_a_whole_specification_is_read() -> None:
    read = parse(spec(
        annotations={"k": "v"},
        containerEdits={"env": ["V=1"], "additionalGids": [5], "intelRdt": {
            "closID": "x", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=1"}},
        devices=device(
            deviceNodes=[{"path": "/dev/x", "hostPath": "/dev/null", "type": "c", "major": 1,
                          "minor": 3, "fileMode": 438, "permissions": "rw", "uid": 1, "gid": 2}],
            mounts=[{"hostPath": "/h", "containerPath": "/c", "type": "bind", "options": ["ro"]}],
            hooks=[{"hookName": "createContainer", "path": "/p", "args": ["p"], "env": ["E=1"],
                    "timeout": 3}],
            netDevices=[{"hostInterfaceName": "eth9", "name": "net0"}],
        ),
    ))  # fmt: skip
    edits = read.devices[0].container_edits
    assert edits.device_nodes[0].host_path == "/dev/null"
    assert edits.hooks[0].hook_name == "createContainer"
    assert edits.net_devices[0].name == "net0"
    assert read.container_edits.intel_rdt is not None
    assert read.container_edits.intel_rdt.clos_id == "x"
    assert read.container_edits.additional_gids == (5,)


def test_null_is_a_field_that_is_not_there() -> None:
    read = parse(spec(devices=[{"name": "a", "containerEdits": {"env": ["A=1"], "mounts": None}}]))
    assert read.devices[0].container_edits == Edits(env=("A=1",))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"surprise": 1}, "unknown field `surprise`"),
        ({"devices": device(deviceNodes=[{"path": "/x", "colour": "red"}])}, "unknown field"),
        ({"cdiVersion": None}, "missing required field `cdiVersion`"),
        ({"cdiVersion": "9.0.0"}, "invalid version"),
        ({"kind": "class"}, "VENDOR/CLASS"),
        ({"kind": "1vendor/class"}, "VENDOR/CLASS"),
        ({"kind": "vendor/class-"}, "VENDOR/CLASS"),
        ({"devices": []}, "no devices"),
        ({"devices": device("-a")}, "invalid device name"),
        ({"devices": device() + device()}, "multiple devices"),
        ({"devices": [{"name": "a", "containerEdits": {}}]}, "empty edits"),
        ({"devices": device(env=["=1"])}, "invalid environment variable"),
        ({"devices": device(deviceNodes=[{"path": ""}])}, "empty path"),
        ({"devices": device(deviceNodes=[{"path": "/x", "type": "z"}])}, "invalid type 'z'"),
        ({"devices": device(deviceNodes=[{"path": "/x", "permissions": "rx"}])}, "permissions"),
        ({"devices": device(hooks=[{"hookName": "later", "path": "/p"}])}, "invalid hook name"),
        ({"devices": device(hooks=[{"hookName": "prestart", "path": ""}])}, "empty path"),
        ({"devices": device(mounts=[{"hostPath": "", "containerPath": "/c"}])}, "empty path"),
        ({"devices": device(intelRdt={"closID": "../x"})}, "invalid closID"),
        ({"devices": device(netDevices=[{"hostInterfaceName": "a", "name": "n"},
                                        {"hostInterfaceName": "b", "name": "n"}])}, "another has"),
        ({"devices": device(additionalGids=[-1])}, "out of range"),
        ({"containerEdits": {"env": ["nothing"]}}, "invalid environment variable"),
    ],
)  # fmt: skip
def test_a_rule_that_is_broken_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSpec, match=words):
        parse(spec(**changes))


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_anything_else_is_no_specification(document: object) -> None:
    with pytest.raises(BadSpec):
        parse(document)


@pytest.mark.parametrize(
    ("changes", "least"),
    [
        ({}, "0.3.0"),
        ({"devices": device(mounts=[{"hostPath": "/h", "containerPath": "/c", "type": "bind"}])},
         "0.4.0"),
        ({"devices": device("0")}, "0.5.0"),
        ({"devices": device(deviceNodes=[{"path": "/x", "hostPath": "/y"}])}, "0.5.0"),
        ({"annotations": {"a": "b"}}, "0.6.0"),
        ({"devices": [{"name": "a", "annotations": {"a": "b"}, "containerEdits": EDITS}]},
         "0.6.0"),
        ({"kind": "vendor.com/cl.ass"}, "0.6.0"),
        ({"containerEdits": {"additionalGids": [1]}}, "0.7.0"),
        ({"devices": device(intelRdt={"closID": "x"})}, "0.7.0"),
        ({"devices": device(intelRdt={"schemata": ["L3:0=f"]})}, "1.1.0"),
        ({"devices": device(intelRdt={"enableMonitoring": True})}, "1.1.0"),
        ({"containerEdits": {"netDevices": [{"hostInterfaceName": "a", "name": "n"}]}}, "1.1.0"),
    ],
)  # fmt: skip
def test_each_feature_needs_its_version(changes: dict[str, Any], least: str) -> None:
    assert required_version(parse(spec(**changes))) == least
    assert parse(spec(cdiVersion=least, **changes)).cdi_version == least
    earlier = rules.VERSIONS[rules.VERSIONS.index(least) - 1]
    with pytest.raises(BadSpec, match=f"must be at least v{least}"):
        parse(spec(cdiVersion=earlier, **changes))


def test_names_have_a_vendor_a_class_and_a_device() -> None:
    assert is_qualified("nvidia.com/gpu=0:1")
    assert is_qualified("v/c=x")
    for name in ("gpu=0", "nvidia.com/gpu", "nvidia.com/gpu=", "/dev/null=x", "a/b=-"):
        assert not is_qualified(name)
