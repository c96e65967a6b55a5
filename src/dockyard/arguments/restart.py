"""Restart policies."""

from __future__ import annotations

from typing import get_args

from dockyard.arguments.errors import invalid
from dockyard.containers.options import Restart, RestartPolicy
from dockyard.decoding import natural

_POLICIES: dict[str, RestartPolicy] = {name: name for name in get_args(RestartPolicy)}


def parse_restart(text: str) -> Restart:
    """``no``, ``always``, ``unless-stopped`` or ``on-failure[:RETRIES]``; empty is ``no``."""
    name, colon, number = text.partition(":")
    if colon and not name:
        raise invalid(
            "invalid restart policy format: no policy provided before colon",
            hint="such as on-failure:5",
        )
    count = natural(number.removeprefix("-"))
    if colon and count is None:
        raise invalid(
            "invalid restart policy format: maximum retry count must be an integer",
            hint="such as on-failure:5",
        )
    policy = _POLICIES.get(name or "no")
    if policy is None:
        raise invalid(
            f"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always',"
            " 'on-failure', or 'unless-stopped'",
            hint="on-failure takes a number of retries: on-failure:5",
        )
    retries = -(count or 0) if number.startswith("-") else count or 0
    if retries and policy != "on-failure":
        raise invalid(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'",
            hint=f"write on-failure:{number}, or {name} alone",
        )
    if retries < 0:
        raise invalid(
            "invalid restart policy: maximum retry count cannot be negative",
            hint="on-failure alone tries without end",
        )
    return Restart(policy=policy, max_retries=retries)
