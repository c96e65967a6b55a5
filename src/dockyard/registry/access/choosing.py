"""Which events of the audit log are asked for: filters that could never fit are refused. Pure.

In a value ``*`` is any text; in the names of repositories as in the patterns of rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from dockyard.errors import InvalidInput
from dockyard.registry.access import patterns
from dockyard.registry.access.audit import ACTIONS, COLLECTION, RESULTS, RETENTION, Event

KINDS: Final = ("action", "repository", "result", "who")
_ITSELF: Final = (COLLECTION, RETENTION, "anonymous:", "user:?", "robot:?")
_PEOPLE: Final = re.compile(
    r"user:[A-Za-z0-9._@*-]+|robot:(?:robot\$|\*)[A-Za-z0-9._@*-]*|host:.+|[a-z]*\*.*"
)
"""Who is named: a user, a robot, whoever ran a command, or what begins with any of these."""
_WHO: Final = (
    "user:NAME, robot:robot$NAME, host:NAME, anonymous:, user:? (nobody known), gc or retention;"
    " * is any text"
)


def check(kind: str, value: str) -> None:
    """Lets a filter through that may find something.

    Raises:
        InvalidInput: no event has such a value.
    """
    if kind == "repository":
        patterns.check(value)
    if kind == "who" and value not in _ITSELF and not _PEOPLE.fullmatch(value):
        raise InvalidInput(f"invalid filter 'who={value}': nobody is called that", hint=_WHO)
    known = {"action": ACTIONS, "result": RESULTS}.get(kind, ())
    if known and not any(patterns.fits(value, one) for one in known):
        raise InvalidInput(
            f"invalid filter '{kind}={value}': there is no such {kind}", hint=", ".join(known)
        )


def select(events: Iterable[Event], filters: Sequence[tuple[str, str]], since: str) -> list[Event]:
    """Events that fit: one value of each kind is enough.

    Args:
        filters: pairs of one of :data:`KINDS` and a value.
        since: the earliest moment, in RFC 3339 and UTC; empty for all.

    Raises:
        InvalidInput: a filter fits nothing that there could be.
    """
    wanted: dict[str, list[str]] = {}
    for kind, value in filters:
        check(kind, value)
        wanted.setdefault(kind, []).append(value)
    return [
        one for one in events
        if one.time >= since
        and all(any(_fits(kind, value, getattr(one, kind)) for value in values)
                for kind, values in wanted.items())
    ]  # fmt: skip


def _fits(kind: str, value: str, found: str) -> bool:
    if kind == "repository":
        return bool(found) and patterns.matches(value, found)
    return patterns.fits(value, found)
