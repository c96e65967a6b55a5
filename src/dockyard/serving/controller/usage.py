"""What replicas use of the machine now, by their control groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from dockyard.errors import DockyardError

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine


class Usage(msgspec.Struct, frozen=True):
    """Of one replica."""

    cpu: int
    """Nanoseconds of processors since its start."""
    memory: int
    """Bytes that would not be given back at once."""


def read(engine: Engine, ids: Iterable[str]) -> Mapping[str, Usage]:
    """By container; those that have just ended are left out."""
    found = {}
    for each in ids:
        try:
            sample = engine.containers.stats(engine.containers.get(each))
        except (DockyardError, OSError):
            continue
        found[each] = Usage(sample.cpu_ns, sample.memory_bytes)
    return found
