"""All specifications of a host together: which device a name means. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.devices.model import Device, Edits, Spec


class Loaded(msgspec.Struct, frozen=True):
    """A specification, its file, and the place of its directory: a later one takes precedence."""

    path: str
    priority: int
    spec: Spec


class Problem(msgspec.Struct, frozen=True):
    """Why a file, or a device in it, isn't used."""

    path: str
    words: str


class Entry(msgspec.Struct, frozen=True):
    """A device and the specification that it is from."""

    source: Loaded
    device: Device


class Registry(msgspec.Struct, frozen=True):
    """The devices by their qualified names, and what went wrong."""

    devices: dict[str, Entry] = {}
    problems: tuple[Problem, ...] = ()

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those names that no device has."""
        return tuple(name for name in names if name not in self.devices)

    def edits(self, names: Sequence[str]) -> Edits:
        """All edits of devices: those of a specification once, before its first device's.

        Raises:
            KeyError: a device is :meth:`missing`.
        """
        whole, seen = Edits(), set[str]()
        for name in dict.fromkeys(names):
            entry = self.devices[name]
            if entry.source.path not in seen:
                seen.add(entry.source.path)
                whole += entry.source.spec.container_edits
            whole += entry.device.container_edits
        return whole

    def kinds(self) -> tuple[str, ...]:
        """The kinds that there are devices of, sorted."""
        return tuple(sorted({entry.source.spec.kind for entry in self.devices.values()}))

    def names_of(self, kind: str) -> tuple[str, ...]:
        """Names within a kind: numbers first, by value, then the others."""
        names = [name.partition("=")[2] for name in self.devices if name.startswith(f"{kind}=")]
        return tuple(sorted(names, key=_order))


def combine(loaded: Sequence[Loaded], problems: Sequence[Problem] = ()) -> Registry:
    """The registry of these specifications.

    A device takes the place of one of the same name in an earlier directory. Two in one directory
    are a conflict, and neither can be used.
    """
    found: dict[str, Entry] = {}
    conflicts: set[str] = set()
    told = list(problems)
    for source in loaded:
        for device in source.spec.devices:
            name = f"{source.spec.kind}={device.name}"
            other = found.get(name)
            if other is not None and other.source.priority > source.priority:
                continue
            if other is not None and other.source.priority == source.priority:
                words = f"conflicting device {name} (also in {other.source.path})"
                told.append(Problem(source.path, words))
                conflicts.add(name)
                continue
            conflicts.discard(name)
            found[name] = Entry(source, device)
    kept = {name: entry for name, entry in found.items() if name not in conflicts}
    return Registry(kept, tuple(told))


def _order(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)
