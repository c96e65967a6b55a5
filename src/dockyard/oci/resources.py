"""The ``linux.resources`` and ``linux.devices`` of the OCI runtime specification. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Json = dict[str, object]

DeviceKind = Literal["b", "c", "p", "u"]
RuleKind = Literal["a", "b", "c"]

_CPU_PERIOD_US = 100_000
_MIN_QUOTA_US = 1000


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device node to make in the container; ``mode`` is its permission bits."""

    path: str
    kind: DeviceKind
    major: int = 0
    minor: int = 0
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


class DeviceRule(msgspec.Struct, frozen=True, kw_only=True):
    """What the cgroup lets processes do with devices; ``None`` stands for every number."""

    kind: RuleKind = "a"
    major: int | None = None
    minor: int | None = None
    access: str = "rwm"
    """Of ``r`` (read), ``w`` (write) and ``m`` (make a node)."""


class BlockDevice(msgspec.Struct, frozen=True):
    """A block device by number, and a weight or a rate for it."""

    major: int
    minor: int
    value: int


class BlockIO(msgspec.Struct, frozen=True, kw_only=True):
    """Weights and rates of block devices; rates are bytes or operations a second."""

    weight: int | None = None
    weight_devices: tuple[BlockDevice, ...] = ()
    read_bps: tuple[BlockDevice, ...] = ()
    write_bps: tuple[BlockDevice, ...] = ()
    read_iops: tuple[BlockDevice, ...] = ()
    write_iops: tuple[BlockDevice, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a container's cgroup: bytes, processors, microseconds, processes."""

    memory: int | None = None
    memory_and_swap: int | None = None
    """-1 is unlimited."""
    memory_reservation: int | None = None
    swappiness: int | None = None
    disable_oom_killer: bool = False
    cpus: float | None = None
    cpu_shares: int | None = None
    cpu_period: int | None = None
    cpu_quota: int | None = None
    cpu_rt_period: int | None = None
    cpu_rt_runtime: int | None = None
    cpuset_cpus: str | None = None
    cpuset_mems: str | None = None
    pids: int | None = None
    block_io: BlockIO = BlockIO()


def resources(limits: Limits, rules: Sequence[DeviceRule] = ()) -> Json:
    """``linux.resources``: the limits, and no device but the runtime's own and those of rules."""
    parts = {
        "devices": [{"allow": False, "access": "rwm"}, *(_rule(rule) for rule in rules)],
        "memory": _memory(limits),
        "cpu": _cpu(limits),
        "pids": _given({"limit": limits.pids}),
        "blockIO": _block_io(limits.block_io),
    }
    return {name: part for name, part in parts.items() if part}


def device_node(device: Device) -> Json:
    """One entry of ``linux.devices``."""
    numbers: Json = {} if device.kind == "p" else {"major": device.major, "minor": device.minor}
    return {
        "path": device.path,
        "type": device.kind,
        **numbers,
        **_given({"fileMode": device.mode, "uid": device.uid, "gid": device.gid}),
    }


def _memory(limits: Limits) -> Json:
    return _given(
        {
            "limit": limits.memory,
            "reservation": limits.memory_reservation,
            "swap": limits.memory_and_swap,
            "swappiness": limits.swappiness,
            "disableOOMKiller": limits.disable_oom_killer or None,
        }
    )


def _cpu(limits: Limits) -> Json:
    quota, period = limits.cpu_quota, limits.cpu_period
    if limits.cpus is not None:
        quota, period = max(_MIN_QUOTA_US, round(limits.cpus * _CPU_PERIOD_US)), _CPU_PERIOD_US
    return _given(
        {
            "shares": limits.cpu_shares,
            "quota": quota,
            "period": period,
            "realtimeRuntime": limits.cpu_rt_runtime,
            "realtimePeriod": limits.cpu_rt_period,
            "cpus": limits.cpuset_cpus,
            "mems": limits.cpuset_mems,
        }
    )


def _block_io(block_io: BlockIO) -> Json:
    rates = {
        "throttleReadBpsDevice": block_io.read_bps,
        "throttleWriteBpsDevice": block_io.write_bps,
        "throttleReadIOPSDevice": block_io.read_iops,
        "throttleWriteIOPSDevice": block_io.write_iops,
    }
    found = _given({"weight": block_io.weight})
    if block_io.weight_devices:
        found["weightDevice"] = [_numbered(one, "weight") for one in block_io.weight_devices]
    for name, devices in rates.items():
        if devices:
            found[name] = [_numbered(one, "rate") for one in devices]
    return found


def _numbered(device: BlockDevice, name: str) -> Json:
    return {"major": device.major, "minor": device.minor, name: device.value}


def _rule(rule: DeviceRule) -> Json:
    return {
        "allow": True,
        "type": rule.kind,
        **_given({"major": rule.major, "minor": rule.minor}),
        "access": rule.access,
    }


def _given(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
