"""Vendors' devices for RUN steps (CDI): which of them a step's requests mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.build.dockerfile.instructions import Device
from dockyard.devices.registry import Registry


def chosen(wanted: Sequence[Device], registry: Registry) -> tuple[str, ...]:
    """Qualified names: ``VENDOR/CLASS=NAME``, ``=*`` for all of a kind, without name the first.

    What isn't there and isn't required is left out; what is required stays as it is named.
    """
    found: list[str] = []
    for device in wanted:
        kind, _, name = device.name.partition("=")
        names = [device.name]
        if name in {"", "*"}:
            there = [f"{kind}={each}" for each in registry.names_of(kind) if each != "all"]
            names = there if name else there[:1]
        missing = not names or registry.missing(names)
        if missing and device.required:
            found.append(device.name)
        elif not missing:
            found += names
    return tuple(dict.fromkeys(found))
