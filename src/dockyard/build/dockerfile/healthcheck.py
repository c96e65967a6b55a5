"""HEALTHCHECK: what it takes."""

from __future__ import annotations

import re
from typing import Final

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.flags import Flags
from dockyard.build.dockerfile.quantities import parse_duration
from dockyard.build.dockerfile.source import invalid
from dockyard.build.dockerfile.statement import Statement, command_of, required
from dockyard.build.dockerfile.words import split_keyword

_RETRIES: Final = re.compile(r"[-+]?[0-9]{1,9}")
_SHORTEST_INTERVAL: Final = 1_000_000
"""Nanoseconds."""


def healthcheck(statement: Statement) -> ins.Healthcheck:
    """What a container's health is found out by.

    Raises:
        BuildError: its syntax.
    """
    flags = statement.flags
    kind, rest = split_keyword(required(statement, "write HEALTHCHECK CMD command, or NONE"))
    return ins.Healthcheck(
        command=_healthcommand_of(kind, rest),
        interval=_interval(flags, "interval"),
        timeout=_interval(flags, "timeout"),
        start_period=_interval(flags, "start-period"),
        start_interval=_interval(flags, "start-interval"),
        retries=_retries(flags.text("retries") or "0"),
        **statement.place,
    )


def _healthcommand_of(kind: str, rest: str) -> ins.Command | None:
    match kind.upper():
        case "NONE" if rest:
            raise invalid(
                "HEALTHCHECK NONE takes no arguments", hint="write HEALTHCHECK NONE alone"
            )
        case "NONE":
            return None
        case "CMD":
            command = command_of(rest)
            if command in {ins.ShellForm(""), ins.ExecForm(())}:
                raise invalid(
                    "missing command after HEALTHCHECK CMD", hint="write HEALTHCHECK CMD command"
                )
            return command
    hint = "write HEALTHCHECK [flags] CMD command; flags come before CMD"
    raise invalid(f'unknown type "{kind}" in HEALTHCHECK (try CMD)', hint)


def _interval(flags: Flags, name: str) -> int:
    nanoseconds = parse_duration(flags.text(name) or "0")
    if nanoseconds and nanoseconds < _SHORTEST_INTERVAL:
        raise invalid(
            f'interval "{name}" cannot be less than 1ms',
            hint=f"write --{name}=30s, or leave it out",
        )
    return nanoseconds


def _retries(text: str) -> int:
    if not _RETRIES.fullmatch(text):
        raise invalid(
            f'invalid number "{text}" in --retries',
            hint="write a whole number, such as --retries=3",
        )
    if int(text) < 0:
        raise invalid(f"--retries cannot be negative ({text})", hint="0 is the default, 3")
    return int(text)
