"""What a health check is, and what it found out. Moments are nanoseconds since 1970."""

from typing import Literal

import msgspec

from dockyard.system.host import ProcessIdentity

Status = Literal["starting", "healthy", "unhealthy"]
Shown = Literal["starting", "healthy", "unhealthy", "unknown"]
"""``unknown``: no controller checks, so what was found out last means nothing any more."""

SHOWN: tuple[Shown, ...] = ("starting", "healthy", "unhealthy", "unknown")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A container's check with nothing left open; durations are nanoseconds."""

    command: tuple[str, ...]
    interval: int
    timeout: int
    start_period: int
    start_interval: int
    retries: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One probe."""

    start: int
    end: int
    exit_code: int
    """0 is healthy; -1 where it didn't end by itself or couldn't be run."""
    output: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a container's health."""

    status: Status = "starting"
    failing_streak: int = 0
    log: tuple[Result, ...] = ()
    """The last probes, the oldest first."""
    run: int = 0
    """Start of the run of the container that it is about."""
    keeper: ProcessIdentity | None = None
    """The controller that found it out; ``None`` before the run's first probe."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A container's health as it is shown."""

    status: Shown
    failing_streak: int
    log: tuple[Result, ...]
