"""What a duty is, and what a controller tells of itself."""

from typing import Protocol

import msgspec

from dockyard.system.host import ProcessIdentity

NANOSECONDS = 10**9
RETRY = 5 * NANOSECONDS
"""When to try again what failed for a reason that isn't its own, such as a full disk."""


class Outlook(msgspec.Struct, frozen=True):
    """What a duty has to do from now on.

    ``watched`` is the number of objects that it supervises: while it is 0 everywhere, no
    controller is needed. ``due`` is the moment (nanoseconds since 1970) at which it wants to look
    again; ``None`` where only an event can bring something new.
    """

    watched: int = 0
    due: int | None = None


class Duty(Protocol):
    """Something to supervise. Called in the controller's only loop, so nothing here may wait."""

    @property
    def name(self) -> str:
        """A word for status and log."""
        ...

    def look(self, now: int) -> Outlook:
        """Reads its records, begins what is due, and says when to be called again."""
        ...

    def end(self) -> None:
        """Ends what it has begun: the controller was told to stop."""
        ...


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """What a controller writes down each time it goes round its loop."""

    process: ProcessIdentity
    beat: int
    """Nanoseconds of CLOCK_MONOTONIC, which a change of the host's clock doesn't touch."""
    since: int
    """Start, in nanoseconds since 1970."""
    standing: bool = False
    """It stays when there is nothing to do, as a service."""
    duties: dict[str, int] = msgspec.field(default_factory=dict)
    """Objects supervised, by duty."""
