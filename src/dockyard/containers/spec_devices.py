"""Devices and device rules of a container's specification. Pure."""

from __future__ import annotations

import functools
import re
from typing import cast

import msgspec

from dockyard.decoding import natural
from dockyard.errors import InvalidInput
from dockyard.oci.resources import Device, DeviceRule, RuleKind

_MOST = (1 << 32) - 1


class Granted(msgspec.Struct, frozen=True):
    """Nodes to make, and what the cgroup allows."""

    nodes: tuple[Device, ...] = ()
    rules: tuple[DeviceRule, ...] = ()

    def __add__(self, other: Granted) -> Granted:
        """Both; a later node takes the place of an earlier one with its path."""
        nodes = {node.path: node for node in (*self.nodes, *other.nodes)}
        return Granted(tuple(nodes.values()), (*self.rules, *other.rules))


EVERYTHING = DeviceRule()
"""What ``--privileged`` allows."""


@functools.cache
def _rule_pattern() -> re.Pattern[str]:
    return re.compile(r"([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})")


def cgroup_rule(text: str) -> DeviceRule:
    """``--device-cgroup-rule``: ``TYPE MAJOR:MINOR ACCESS`` such as ``c 42:* rwm``.

    Raises:
        InvalidInput: not such a rule.
    """
    found = _rule_pattern().fullmatch(text)
    if found is None:
        raise InvalidInput(
            f"invalid device cgroup format '{text}'", hint="such as 'c 42:* rwm'", exit_code=125
        )
    kind, major, minor, access = found.groups()
    return DeviceRule(
        kind=cast("RuleKind", kind), major=_number(major), minor=_number(minor), access=access
    )


def rule_for(device: Device, access: str) -> DeviceRule:
    """The rule that lets a container use a node."""
    kind: RuleKind = "b" if device.kind == "b" else "c"
    return DeviceRule(kind=kind, major=device.major, minor=device.minor, access=access)


def _number(text: str) -> int | None:
    """``None`` for all. The kernel has numbers of 32 bits."""
    if text == "*":
        return None
    number = natural(text, _MOST)
    if number is None:
        raise InvalidInput(
            f"invalid device number '{text[:20]}'",
            hint="a number or *, such as c 10:200 rwm",
            exit_code=125,
        )
    return number
