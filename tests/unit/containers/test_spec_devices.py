from __future__ import annotations

import pytest

from dockyard.containers.spec_devices import Granted, cgroup_rule, rule_for
from dockyard.errors import InvalidInput
from dockyard.oci.resources import Device, DeviceRule, Limits, device_node, resources


def test_rules_in_the_kernels_notation() -> None:
    assert cgroup_rule("c 42:* rwm") == DeviceRule(kind="c", major=42, access="rwm")
    assert cgroup_rule("a *:* rwm") == DeviceRule(kind="a")
    assert cgroup_rule("b 8:0 r") == DeviceRule(kind="b", major=8, minor=0, access="r")
    assert resources(Limits(), (cgroup_rule("c 1:3 r"),))["devices"] == [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "r"},
    ]


@pytest.mark.parametrize("text", ["", "c 42 rwm", "x 1:3 r", "c 1:3", "c 1:3 rx", "c 1:3  r"])
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid device cgroup format"):
        cgroup_rule(text)


@pytest.mark.parametrize("number", ["4294967296", "9" * 5000])
def test_numbers_that_no_device_has_are_refused(number: str) -> None:
    for rule in (f"c {number}:1 r", f"c 1:{number} r"):
        with pytest.raises(InvalidInput, match="invalid device number"):
            cgroup_rule(rule)


def test_a_node_and_its_rule() -> None:
    node = Device(path="/dev/x", kind="b", major=8, minor=1, mode=0o660, gid=6)
    assert device_node(node) == {
        "path": "/dev/x", "type": "b", "major": 8, "minor": 1, "fileMode": 0o660, "gid": 6,
    }  # fmt: skip
    assert rule_for(node, "r") == DeviceRule(kind="b", major=8, minor=1, access="r")


def test_a_later_node_takes_the_place_of_an_earlier_one() -> None:
    first = Granted((Device(path="/dev/x", kind="c", major=1, minor=3),), (DeviceRule(kind="c"),))
    second = Granted((Device(path="/dev/x", kind="c", major=1, minor=5),), ())
    assert (first + second).nodes == second.nodes
    assert (first + second).rules == first.rules
