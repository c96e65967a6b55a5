"""What a volume is: values only."""

from __future__ import annotations

import msgspec


class Volume(msgspec.Struct, frozen=True):
    """A volume; ``created`` is in nanoseconds since 1970."""

    name: str
    created: int
    anonymous: bool
    path: str
    """The directory that containers see."""
