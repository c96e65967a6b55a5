"""Who may do what, in one line: what a server says when it starts. Pure."""

from __future__ import annotations

from dockyard.registry.access.model import EVERYBODY
from dockyard.registry.access.records import Snapshot


def who_may(known: Snapshot, *, is_open: bool, is_local: bool, mirror: str, tls: bool) -> str:
    """What the server's owner has laid down, or has left open.

    Args:
        is_open: everybody may do everything.
        is_local: only this host reaches it.
        mirror: the registry that this one mirrors, if any.
    """
    who = f"anyone {'on this host' if is_local else 'who reaches this registry'}"
    may = "pull" if mirror else "pull, push and delete"
    said = (f"{who} may {may}: no users yet (dockyard registry user add --admin NAME makes the"
            " first)") if is_open else _known(known)  # fmt: skip
    if mirror:
        said += f"; nobody may push: it mirrors {mirror}"
    return f"{said}; {'with TLS' if tls else 'without TLS'}"


def _known(known: Snapshot) -> str:
    public = [rule.pattern for rule in known.rules if rule.subject == EVERYBODY]
    anyone = f"anyone may pull {', '.join(public)}" if public else "who isn't logged in may nothing"
    counts = ", ".join((
        _counted(len(known.users), "user"), _counted(len(known.robots), "robot"),
        _counted(len(known.rules), "rule"),
    ))  # fmt: skip
    return f"{anyone}; all else is for whom rules allow it ({counts})"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
