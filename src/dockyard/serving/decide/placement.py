"""What of the replicas that services want fits on the machine. Pure.

Memory is what runs out for good, so it decides: a replica is counted with its limit, or with the
most that one was seen to use. What the running ones may still grow by is set aside. Processors are
shared: only a limit that is more than the machine has is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

UNKNOWN = 128 << 20
"""Bytes set aside for a replica without a limit, none of which was ever seen."""
SPARED = 0.05
LEAST_SPARED = 128 << 20
MOST_SPARED = 2 << 30
"""So much of the memory stays free for the machine itself: a twentieth, within these."""
_GIB = 1 << 30


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine, or the control group that all of it runs in, has."""

    memory_total: int
    memory_available: int
    """Bytes that can be used without swapping: ``MemAvailable``, or less by a control group."""
    cpus: float


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant wants, and what its replicas take. Bytes and processors are a replica's."""

    name: str
    wanted: int
    """Replicas that the scaler asks for."""
    running: int = 0
    """Replicas that exist, ready or not."""
    min: int = 0
    memory_limit: int = 0
    """0 for none."""
    memory_peak: int = 0
    """The most that one replica was seen to use; 0 where none was seen."""
    memory_used: int = 0
    """Of all its replicas together, now."""
    cpus_limit: float = 0.0
    """0 for none. One beyond the machine's can't be granted at all."""


class Grant(msgspec.Struct, frozen=True):
    """Replicas that a variant may have, and in one line why they aren't what it wants."""

    replicas: int
    why: str = ""
    never: bool = False
    """Not one fits on this machine, whatever else runs."""


def size(need: Need) -> int:
    """Bytes that one replica is counted with."""
    return need.memory_limit or need.memory_peak or UNKNOWN


def allot(machine: Machine, needs: Sequence[Need]) -> dict[str, Grant]:
    """How many replicas each variant may have now, by name.

    Everyone's ``min`` comes first, and one replica for whoever is at zero and wants any; then, in
    turn, one more for whoever has the smallest part of what it wants. Replicas that run stay, but
    where a first one finds no room, those with most above their own ``min`` give up as many as it
    takes. It gets its room when those have ended, at a later call.
    """
    deal = _Deal(machine, needs)
    for need in needs:
        deal.reach(need, _floor(need))
    while hungry := [one for one in needs if deal.wants(one) and deal.refusal(one) == ""]:
        deal.give(min(hungry, key=deal.part))
    return {need.name: deal.grant(need) for need in needs}


def _floor(need: Need) -> int:
    return max(need.min, 1 if need.wanted > 0 else 0)


class _Deal:
    """Replicas while they are dealt out: begins with those that run and are still wanted."""

    def __init__(self, machine: Machine, needs: Sequence[Need]) -> None:
        self._machine = machine
        self._needs = needs
        self._granted = {need.name: min(need.running, max(need.wanted, need.min)) for need in needs}
        self._memory = machine.memory_available - _spared(machine) - sum(map(_growth, needs))
        self._notes: dict[str, str] = {}

    def wants(self, need: Need) -> bool:
        """True for one that is to get more, and neither gives some up nor waits for that."""
        return self._lacks(need) and need.name not in self._notes

    def _lacks(self, need: Need) -> bool:
        return self._granted[need.name] < max(need.wanted, need.min)

    def part(self, need: Need) -> float:
        return self._granted[need.name] / max(need.wanted, need.min)

    def grant(self, need: Need) -> Grant:
        if not self._lacks(need):
            return possible(self._machine, need, self._granted[need.name])
        why = self._notes.get(need.name) or self.refusal(need)
        never = impossible(self._machine, need) != ""
        return Grant(self._granted[need.name], why, never)

    def give(self, need: Need) -> None:
        self._granted[need.name] += 1
        self._take(need)

    def _take(self, need: Need) -> None:
        self._memory -= size(need)

    def reach(self, need: Need, floor: int) -> None:
        """As many as there is room for; where there is none, others begin to make some."""
        while self._granted[need.name] < floor:
            if self.refusal(need):
                self._make_room(need)
                return
            self.give(need)

    def refusal(self, need: Need) -> str:
        never = impossible(self._machine, need)
        if never:
            return never
        state = f"{need.running} of {max(need.wanted, need.min)} replicas run"
        if size(need) > self._memory:
            return (
                f"{need.name} needs {_bytes(size(need))} for one more replica,"
                f" {_bytes(max(self._memory, 0))} are free: {state}"
            )
        return ""

    def _make_room(self, need: Need) -> None:
        """Takes nothing away where even all that can be taken would not be enough."""
        if impossible(self._machine, need):
            return
        why, before, givers = self.refusal(need), dict(self._granted), set()
        while self._short(need):
            donors = [one for one in self._needs if one is not need and self._above(one) > 0]
            if not donors:
                self._granted = before
                return
            giver = max(donors, key=self._above)
            self._granted[giver.name] -= 1
            givers.add(giver.name)
        for name in givers:
            self._notes[name] = f"{name} gives way to {need.name}, which has too few"
        self._notes[need.name] = f"{why}; waits until others have ended"
        self._take(need)  # nobody else gets it meanwhile

    def _above(self, need: Need) -> int:
        return min(self._granted[need.name], need.running) - _floor(need)

    def _short(self, need: Need) -> bool:
        """True while what is free, and what is about to end, isn't enough for one."""
        ending = [(one, max(one.running - self._granted[one.name], 0)) for one in self._needs]
        memory = self._memory + sum(size(one) * count for one, count in ending)
        return size(need) > memory


def _growth(need: Need) -> int:
    """Bytes that the replicas which run may still take."""
    return max(need.running * size(need) - need.memory_used, 0)


def _spared(machine: Machine) -> int:
    return min(max(int(machine.memory_total * SPARED), LEAST_SPARED), MOST_SPARED)


def possible(machine: Machine, need: Need, replicas: int) -> Grant:
    """So many replicas, which run already; those that take their place may be larger."""
    why = impossible(machine, need)
    return Grant(replicas, why, never=why != "")


def impossible(machine: Machine, need: Need) -> str:
    """Why not one replica fits on the machine, in one line; empty where it may."""
    most = machine.memory_total - _spared(machine)
    if size(need) > most:
        return (
            f"{need.name} needs {_bytes(size(need))} for a replica, the machine has {_bytes(most)}"
        )
    if need.cpus_limit > machine.cpus:
        return (
            f"{need.name} asks for {need.cpus_limit:.2g} processors,"
            f" the machine has {machine.cpus:.2g}"
        )
    return ""


def _bytes(count: int) -> str:
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / (1 << 20):.0f} MiB"
