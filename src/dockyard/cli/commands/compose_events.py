"""``compose events``."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.listing import put
from dockyard.cli.moments import nanoseconds
from dockyard.cli.units import NANOSECONDS, timestamp
from dockyard.compose import labels
from dockyard.observability.events import Event

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose events", "[OPTIONS] [SERVICE...]")
@option("--json", "as_json", is_flag=True, help="Output events as a stream of json objects")
@option("--since", metavar="string", help="Show all events created since timestamp")
@option("--until", metavar="string", help="Stream events until this timestamp")
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    as_json: bool,
    since: str | None,
    until: str | None,
) -> None:
    """Prints what happens to the services' containers, until a moment or Ctrl-C."""
    name = projects.name_of(flags)
    now = time.time_ns()
    begin = None if since is None else nanoseconds(since, now)
    end = None if until is None else nanoseconds(until, now)
    for event in engine.events(since=begin, until=end):
        if _is_of(event, name) and (not services or _service(event) in services):
            put(json_line(event) if as_json else text_line(event))


def text_line(event: Event) -> str:
    """The local time, what happened to which container, and its attributes. Pure."""
    seconds, rest = divmod(event.time, NANOSECONDS)
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    shown = ", ".join(f"{key}={value}" for key, value in sorted(_attributes(event).items()))
    return f"{moment}.{rest // 1000:06} container {event.action} {event.actor} ({shown})\n"


def json_line(event: Event) -> str:
    """The event as JSON on a line. Pure."""
    document = {
        "action": event.action,
        "attributes": dict(sorted(_attributes(event).items())),
        "id": event.actor,
        "service": _service(event),
        "time": timestamp(event.time),
        "type": "container",
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _is_of(event: Event, project: str) -> bool:
    found = event.attributes
    return (
        event.type == "container"
        and found.get(labels.PROJECT) == project
        and not labels.is_oneoff(found)
    )


def _service(event: Event) -> str:
    return event.attributes.get(labels.SERVICE, "")


def _attributes(event: Event) -> dict[str, str]:
    """Those that Compose's own labels aren't among."""
    return {key: value for key, value in event.attributes.items()
            if not key.startswith(labels.PREFIX)}  # fmt: skip
