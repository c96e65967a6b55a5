"""The streams of the container's process, and of the command that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from dockyard.cli.run_flags.declare import switch
from dockyard.containers.options import Console

TERMINAL_HINT = "terminals come with a later version; -i alone keeps the standard input open"

DECLARED = (
    switch("-d", "--detach", help="Run container in background and print container ID"),
    switch("-i", "--interactive", help="Keep STDIN open even if not attached"),
    click.option("--sig-proxy/--no-sig-proxy", default=True, hidden=True),
)

NOT_YET: dict[str, str | None] = {
    "--detach-keys=": None,
    "-a, --attach=": None,
    "-t, --tty": TERMINAL_HINT,
}


def make(values: Mapping[str, Any]) -> Console:
    """The streams asked for."""
    return Console(interactive=values["interactive"])
