"""Events as they come, with nearly no work while none do.

The database's log is watched by inotify. A write shows there before its commit can be read, so a
look that finds nothing is repeated for a while, in steps that grow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.state.database import Database
from dockyard.system.watch import DirectoryWatch

_FIRST_PAUSE = 0.002
_LAST_PAUSE = 0.25
_IDLE = 10.0
"""Seconds after which one looks anyway, should a notice have been lost."""
_NANOSECONDS = 10**9


def follow(
    database: Database, directory: str, *, after: int, until: int | None = None
) -> Iterator[Event]:
    """Yields events after a number until a moment (nanoseconds since 1970), or for ever.

    Args:
        directory: where the database lies.
    """
    with DirectoryWatch(directory) as watch:
        last, pause = after, _FIRST_PAUSE
        while True:
            for event in events.between(database, after=last, until=until):
                last, pause = event.number, _FIRST_PAUSE
                yield event
            left = _IDLE if until is None else (until - time.time_ns()) / _NANOSECONDS
            if left <= 0:
                return
            changed = watch.wait(min(left, pause if pause <= _LAST_PAUSE else _IDLE))
            pause = _FIRST_PAUSE if changed else pause * 2
