"""``system controller``."""

from __future__ import annotations

import time

from dockyard.cli import listing, units
from dockyard.cli.command import define
from dockyard.cli.line import argument, one_of
from dockyard.cli.output import say
from dockyard.config import Config
from dockyard.controller import client, journal, schedule
from dockyard.controller.model import Heartbeat
from dockyard.state.paths import Paths

_STOP_SECONDS = 10.0


@define("system controller", "[status|stop|logs]")
@argument("action", read=one_of(["status", "stop", "logs"]), default="status")
def command(*, action: str) -> int:
    """Tells of the controller without reviving it; 1 where the status is that there is none."""
    config = Config.from_environment()
    paths = Paths(config.root, config.run)
    if action == "logs":
        listing.put(journal.read(paths.controller_log))
        return 0
    if action == "stop":
        client.stop(paths, _STOP_SECONDS)
        return 0
    known = client.heartbeat(paths)
    say(status_text(known, time.time_ns(), time.monotonic_ns()))
    return 0 if known is not None else 1


def status_text(known: Heartbeat | None, now: int, monotonic: int) -> str:
    """What there is to say of a controller. Pure.

    Args:
        now: nanoseconds since 1970.
        monotonic: nanoseconds of CLOCK_MONOTONIC.
    """
    if known is None:
        return "Controller: not running"
    state = "running" if schedule.fresh(known, monotonic) else "hanging"
    duties = ", ".join(f"{name} {count}" for name, count in known.duties.items() if count)
    return "\n".join((
        f"Controller: {state}",
        f"Process: {known.process.pid}",
        f"Up: {units.elapsed(known.since, now)}",
        f"Service: {'yes' if known.standing else 'no'}",
        f"Supervises: {duties or 'nothing'}",
    ))  # fmt: skip
