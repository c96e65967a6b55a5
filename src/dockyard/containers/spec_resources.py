"""Limits: checked as Docker does, against what this host can enforce. Pure.

A limit that keeps others safe (memory, processors, processes) is an error where it can't be
enforced. One that only tunes is left out with a warning, as in Docker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from dockyard.containers.facts import HostFacts
from dockyard.containers.options import DeviceRate, Resources
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.resources import BlockDevice, BlockIO, Limits

NumberOf = Callable[[str], tuple[int, int]]
"""Major and minor number of a device node of the host, by path."""

_MIN_MEMORY = 6 << 20
_MIN_CPUS = 0.01
_PERIOD_US = range(1_000, 1_000_001)
_MIN_QUOTA_US = 1_000
_RT_PERIOD_US = 1_000_000
"""The kernel's own."""
_WEIGHTS = range(10, 1001)
_SCORES = range(-1000, 1001)
_MIN_SHARES = 2
_MOST_BYTES = (1 << 63) - 1
_MOST = {
    "memory": _MOST_BYTES,
    "memory_swap": _MOST_BYTES,
    "memory_reservation": _MOST_BYTES,
    "shm_size": _MOST_BYTES,
    "cpu_shares": _MOST_BYTES,
    "cpu_quota": (1 << 44) - 1,
    "pids_limit": 1 << 22,
}
"""What the kernel takes; the last two are MAX_BW in microseconds, and PID_MAX_LIMIT."""


class _Tuning(msgspec.Struct, frozen=True):
    """A field of the resources, the files of cgroups that it needs, and what is missing else."""

    field: str
    knobs: frozenset[str]
    what: str


_TUNINGS = (  # blkio.bfq.weight isn't among the knobs, for not every runtime knows it
    _Tuning("memory_swap", frozenset({"memory.memsw.limit_in_bytes", "memory.swap.max"}),
            "swap limits; memory is limited without swap"),
    _Tuning("memory_reservation", frozenset({"memory.soft_limit_in_bytes", "memory.low"}),
            "memory reservations; --memory-reservation is discarded"),
    _Tuning("memory_swappiness", frozenset({"memory.swappiness"}),
            "a swappiness of single cgroups; --memory-swappiness is discarded"),
    _Tuning("oom_kill_disable", frozenset({"memory.oom_control"}),
            "cgroups without the OOM killer; --oom-kill-disable is discarded"),
    _Tuning("blkio_weight",
            frozenset({"blkio.weight", "io.weight", "io.bfq.weight"}),
            "weights of block I/O; --blkio-weight is discarded"),
    _Tuning("blkio_weight_device",
            frozenset({"blkio.weight_device", "io.weight", "io.bfq.weight"}),
            "weights of block devices; --blkio-weight-device is discarded"),
)  # fmt: skip

_HARD = {
    "memory": "memory",
    "cpus": "cpu",
    "cpu_shares": "cpu",
    "cpu_period": "cpu",
    "cpu_quota": "cpu",
    "cpuset_cpus": "cpuset",
    "cpuset_mems": "cpuset",
    "pids_limit": "pids",
    "device_read_bps": "blkio",
    "device_write_bps": "blkio",
    "device_read_iops": "blkio",
    "device_write_iops": "blkio",
}
"""Limits that must hold, and their controller in the words of v1."""


def needs_more_facts(asked: Resources) -> bool:
    """True where a limit is asked for whose check needs the names of the kernel's files."""
    names = ("cpuset_cpus", "cpuset_mems", "cpu_rt_period", "cpu_rt_runtime")
    return any(getattr(asked, name) for name in (*names, *(one.field for one in _TUNINGS)))


def limits(
    asked: Resources, facts: HostFacts, number_of: NumberOf
) -> tuple[Limits, tuple[str, ...]]:
    """The cgroup's limits, and warnings about what is left out.

    A memory limit also bounds swap to as much again, as in Docker.

    Raises:
        InvalidInput: a value out of range, or values that exclude each other.
        NotSupported: this host lacks the controller that would enforce a limit.
    """
    _check_bounds(asked)
    _check_memory(asked)
    _check_cpu(asked, facts)
    _check_cpusets(asked, facts)
    _check_others(asked)
    _check_controllers(asked, facts)
    kept, warnings = _without_tunings(asked, facts)
    pids = None if kept.pids_limit is None or kept.pids_limit <= 0 else kept.pids_limit
    return Limits(
        memory=kept.memory,
        memory_and_swap=_swap(kept, facts),
        memory_reservation=kept.memory_reservation or None,
        swappiness=kept.memory_swappiness,
        disable_oom_killer=kept.oom_kill_disable,
        cpus=kept.cpus,
        cpu_shares=kept.cpu_shares or None,
        cpu_period=kept.cpu_period or None,
        cpu_quota=kept.cpu_quota if (kept.cpu_quota or 0) > 0 else None,
        cpu_rt_period=kept.cpu_rt_period or None,
        cpu_rt_runtime=kept.cpu_rt_runtime or None,
        cpuset_cpus=kept.cpuset_cpus,
        cpuset_mems=kept.cpuset_mems,
        pids=pids,
        block_io=_block_io(kept, number_of),
    ), warnings


def cpu_list(text: str) -> frozenset[int]:
    """The numbers of a kernel's list such as ``0-3,7``.

    Raises:
        ValueError: not such a list.
    """
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, dash, last = part.partition("-")
        found.update(range(int(first), int(last if dash else first) + 1))
    return frozenset(found)


def _swap(asked: Resources, facts: HostFacts) -> int | None:
    if asked.memory is None:
        return None
    if asked.memory_swap:
        return asked.memory_swap
    return min(asked.memory * 2, _MOST_BYTES) if facts.has_swap else None


def _check_bounds(asked: Resources) -> None:
    for field, most in _MOST.items():
        if (getattr(asked, field) or 0) > most:
            flag = field.replace("_", "-")
            raise _invalid(f"--{flag} is out of range", f"the kernel takes at most {most}")


def _check_memory(asked: Resources) -> None:
    if asked.memory is not None and asked.memory < _MIN_MEMORY:
        raise _invalid(
            "minimum memory limit allowed is 6MB",
            hint="--memory counts bytes; write 64m for 64 MiB",
        )
    reservation, swap = asked.memory_reservation, asked.memory_swap
    if reservation and reservation < _MIN_MEMORY:
        raise _invalid(
            "minimum memory reservation allowed is 6MB",
            hint="--memory-reservation counts bytes; write 64m for 64 MiB",
        )
    if asked.memory is not None and reservation and asked.memory < reservation:
        raise _invalid(
            "minimum memory limit can not be less than memory reservation limit",
            hint="raise --memory, or lower --memory-reservation",
        )
    if swap and swap > 0 and asked.memory is None:
        raise _invalid(
            "you should always set the memory limit when using the memory-swap limit",
            "add --memory; --memory-swap is memory and swap together",
        )
    if asked.memory is not None and swap and 0 < swap < asked.memory:
        raise _invalid(
            "minimum memory-swap limit should be larger than memory limit",
            "--memory-swap is memory and swap together",
        )
    if asked.memory_swappiness is not None and not 0 <= asked.memory_swappiness <= 100:
        raise _invalid(
            f"invalid value: {asked.memory_swappiness}. Valid memory swappiness range is 0-100",
            hint="--memory-swappiness takes a number of them",
        )


def _check_cpu(asked: Resources, facts: HostFacts) -> None:
    if asked.cpus is not None and not _MIN_CPUS <= asked.cpus <= facts.cpus:
        raise _invalid(
            f"range of CPUs is from {_MIN_CPUS} to {facts.cpus:.2f},"
            f" as there are only {facts.cpus} CPUs available",
            hint=f"--cpus takes at most {facts.cpus} here",
        )
    for name, value in (("Period", asked.cpu_period), ("Quota", asked.cpu_quota)):
        if asked.cpus is not None and value:
            raise _invalid(
                f"conflicting options: Nano CPUs and CPU {name} cannot both be set",
                hint=f"leave --cpus or --cpu-{name.lower()} out",
            )
    if asked.cpu_period and asked.cpu_period not in _PERIOD_US:
        raise _invalid(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
            hint="--cpu-period counts microseconds; 100000 is the usual one",
        )
    if asked.cpu_quota and 0 < asked.cpu_quota < _MIN_QUOTA_US:
        raise _invalid(
            "CPU cfs quota can not be less than 1ms (i.e. 1000)",
            hint="--cpu-quota counts microseconds of a --cpu-period",
        )
    if asked.cpu_shares and asked.cpu_shares < _MIN_SHARES:
        raise _invalid(
            f"invalid CPU shares ({asked.cpu_shares}): the least is {_MIN_SHARES}",
            hint="--cpu-shares is a weight beside others; 1024 is the usual one",
        )
    if asked.cpu_rt_period or asked.cpu_rt_runtime:
        _check_real_time(asked, facts)


def _check_real_time(asked: Resources, facts: HostFacts) -> None:
    if "cpu.rt_runtime_us" not in facts.knobs:
        raise NotSupported(
            "this host has no real-time scheduling in cgroups",
            hint="leave --cpu-rt-period and --cpu-rt-runtime out",
            exit_code=125,
        )
    runtime, period = asked.cpu_rt_runtime or 0, asked.cpu_rt_period or _RT_PERIOD_US
    if runtime < 0 or period < 0:
        raise _invalid(
            "--cpu-rt-runtime and --cpu-rt-period can not be negative",
            hint="give microseconds, or leave them out",
        )
    if runtime > period:
        raise _invalid(
            "cpu real-time runtime cannot be higher than cpu real-time period",
            f"--cpu-rt-runtime {runtime} is of a period of {period}; --cpu-rt-period sets another",
        )
    above, of = facts.real_time
    if runtime * max(of, 1) > above * period:
        raise NotSupported(
            f"--cpu-rt-runtime {runtime} is more than the cgroup above the container's may give"
            f" away, {above} microseconds of {of or _RT_PERIOD_US}",
            hint="give a cgroup a share by its cpu.rt_runtime_us and name it by --cgroup-parent,"
            " or leave --cpu-rt-runtime out",
            exit_code=125,
        )


def _check_cpusets(asked: Resources, facts: HostFacts) -> None:
    sets = (
        ("CPUs", "cpus", asked.cpuset_cpus, facts.online_cpus),
        ("memory nodes", "mems", asked.cpuset_mems, facts.memory_nodes),
    )
    for what, name, wanted, available in sets:
        if not wanted:
            continue
        try:
            numbers = cpu_list(wanted)
        except ValueError:
            raise _invalid(
                f"invalid value {wanted} for cpuset {name}", "a list such as 0-3,7"
            ) from None
        if available and not numbers <= cpu_list(available):
            raise _invalid(
                f"requested {what} are not available - requested {wanted}, available: {available}",
                hint=f"--cpuset-{name} takes numbers of these",
            )


def _check_others(asked: Resources) -> None:
    weights = [one.value for one in asked.blkio_weight_device]
    weights += [asked.blkio_weight] if asked.blkio_weight else []
    if any(weight not in _WEIGHTS for weight in weights):
        raise _invalid(
            "range of blkio weight is from 10 to 1000",
            hint="--blkio-weight takes a number of them, 0 for none",
        )
    if asked.oom_score_adj is not None and asked.oom_score_adj not in _SCORES:
        raise _invalid(
            f"invalid value {asked.oom_score_adj}, range for oom score adj is [-1000, 1000]",
            hint="--oom-score-adj takes a number of them",
        )


def _check_controllers(asked: Resources, facts: HostFacts) -> None:
    has = facts.controllers | ({"blkio"} if "io" in facts.controllers else set())
    missing = [name for field, name in _HARD.items() if getattr(asked, field) and name not in has]
    if missing:
        raise NotSupported(
            f"this host has no {missing[0]} controller for cgroups, the limit can't be enforced",
            hint="leave the limit out, or enable the controller (dockyard doctor shows them)",
            reference="limit-not-enforceable",
            exit_code=125,
        )


def _without_tunings(asked: Resources, facts: HostFacts) -> tuple[Resources, tuple[str, ...]]:
    absent = [one for one in _TUNINGS if getattr(asked, one.field) and not one.knobs & facts.knobs]
    nothing = Resources()
    kept = msgspec.structs.replace(
        asked, **{one.field: getattr(nothing, one.field) for one in absent}
    )
    warnings = [f"this host's kernel does not support {one.what}" for one in absent]
    if kept.oom_kill_disable and kept.memory is None:
        warnings.append(
            "the OOM killer is disabled for the container, but no memory limit is set:"
            " the host may run out of memory"
        )
    return kept, tuple(warnings)


def _block_io(asked: Resources, number_of: NumberOf) -> BlockIO:
    def numbered(rates: tuple[DeviceRate, ...]) -> Iterator[BlockDevice]:
        for rate in rates:
            yield BlockDevice(*number_of(rate.path), rate.value)

    return BlockIO(
        weight=asked.blkio_weight or None,
        weight_devices=tuple(numbered(asked.blkio_weight_device)),
        read_bps=tuple(numbered(asked.device_read_bps)),
        write_bps=tuple(numbered(asked.device_write_bps)),
        read_iops=tuple(numbered(asked.device_read_iops)),
        write_iops=tuple(numbered(asked.device_write_iops)),
    )


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint=hint, exit_code=125)
