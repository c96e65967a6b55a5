"""Events as lines of ``events``. Pure."""

from __future__ import annotations

import time

from dockyard.cli import template
from dockyard.observability.events import Event

_NANOSECONDS = 10**9


def line(event: Event) -> str:
    """Docker's line: the local time, what happened to which object, and its attributes."""
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(event.attributes.items()))
    shown = f" ({attributes})" if attributes else ""
    return f"{_moment(event.time)} {event.type} {event.action} {event.actor}{shown}\n"


def document(event: Event) -> dict[str, object]:
    """The message of Docker's API; ``status``, ``id`` and ``from`` as older clients know them."""
    seconds = event.time // _NANOSECONDS
    old: dict[str, object] = {}
    if event.type in {"container", "image"}:
        source = event.attributes.get("image" if event.type == "container" else "name", "")
        old = {"status": event.action, "id": event.actor}
        old |= {"from": source} if event.type == "container" and source else {}
    return old | {
        "Type": event.type,
        "Action": event.action,
        "Actor": {"ID": event.actor, "Attributes": dict(sorted(event.attributes.items()))},
        "scope": "local",
        "time": seconds,
        "timeNano": event.time,
    }


def formatted(event: Event, form: str | None) -> str:
    """The event by ``--format``: a line, ``json``, or a template over Docker's fields.

    Raises:
        InvalidInput: the template is malformed or names an unknown field.
    """
    if not form:
        return line(event)
    message = document(event)
    if form in {"json", "{{json .}}", "{{ json . }}"}:
        return template.to_json(message) + "\n"
    fields = {
        "Type": event.type, "Action": event.action, "Actor": message["Actor"], "Scope": "local",
        "Time": message["time"], "TimeNano": event.time, "Status": message.get("status", ""),
        "ID": message.get("id", ""), "From": message.get("from", ""),
    }  # fmt: skip
    return template.render(template.parse(form), fields) + "\n"


def _moment(moment: int) -> str:
    seconds, rest = divmod(moment, _NANOSECONDS)
    local = time.localtime(seconds)
    zone = "Z" if local.tm_gmtoff == 0 else time.strftime("%z", local)
    zone = zone if zone == "Z" else f"{zone[:3]}:{zone[3:]}"
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{rest:09d}{zone}"
