"""The streams of the container's process, and of the command that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.line import option
from dockyard.cli.run_flags.declare import several, switch
from dockyard.containers.detach import parse_keys
from dockyard.containers.options import Console
from dockyard.errors import InvalidInput

_STREAMS = frozenset({"stdin", "stdout", "stderr"})


def parse_stream(text: str) -> str:
    """``-a``: a stream's name in any case.

    Raises:
        InvalidInput: it is none of the three.
    """
    name = text.lower()
    if name not in _STREAMS:
        raise InvalidInput(
            "valid streams are STDIN, STDOUT and STDERR",
            hint="such as -a stdout; several by several flags",
            exit_code=125,
        )
    return name


sig_proxy = option(
    "--sig-proxy", is_flag=True, default=True,
    help="Proxy received signals to the process (default true)",
)  # fmt: skip
detach_keys = option(
    "--detach-keys", metavar="string", read=parse_keys,
    help="Override the key sequence for detaching a container",
)  # fmt: skip

DECLARED = (
    several("-a", "--attach", help="Attach to STDIN, STDOUT or STDERR", read=parse_stream),
    switch("-d", "--detach", help="Run container in background and print container ID"),
    detach_keys,
    switch("-i", "--interactive", help="Keep STDIN open even if not attached"),
    sig_proxy,
    switch("-t", "--tty", help="Allocate a pseudo-TTY"),
)


def make(values: Mapping[str, Any]) -> Console:
    """The streams asked for.

    Raises:
        InvalidInput: streams are to be attached to a container in the background.
    """
    detached = values.get("detach", False)
    if detached and values.get("attach"):
        raise InvalidInput(
            "conflicting options: cannot specify both --attach and --detach",
            hint="leave one out; dockyard attach joins a detached container later",
            exit_code=125,
        )
    interactive = values["interactive"]
    return Console(
        tty=values["tty"], interactive=interactive, stdin_once=interactive and not detached
    )


def attached(values: Mapping[str, Any]) -> frozenset[str]:
    """The streams that the command in the foreground connects; both outputs where none is named.

    Standard input is one of them with ``--interactive`` alone: without it, there is none.
    """
    named = (frozenset(values["attach"]) or _STREAMS) - {"stdin"}
    return named | {"stdin"} if values["interactive"] else named
