"""What a volume is: values only."""

from __future__ import annotations

import msgspec


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume; ``created`` is in nanoseconds since 1970."""

    name: str
    created: int
    anonymous: bool = False
    path: str
    """The directory that containers see."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    options: dict[str, str] = msgspec.field(default_factory=dict)
    """Options of the ``local`` driver: ``type``, ``o`` and ``device``."""


class Pruned(msgspec.Struct, frozen=True):
    """Volumes that ``volume prune`` removed, and the bytes that they had."""

    names: tuple[str, ...]
    size: int
