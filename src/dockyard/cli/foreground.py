"""A container's streams on this process's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection

from dockyard.cli.line import UsageProblem
from dockyard.cli.output import OutputFailed, write_all
from dockyard.cli.signals import SignalProxy
from dockyard.containers.attach import Keyboard, Streams
from dockyard.containers.model import Container

OUTPUT = frozenset({"stdout", "stderr"})
EVERYTHING = OUTPUT | {"stdin"}


def require_terminal() -> None:
    """Refuses to give a container's terminal an input that is none, as Docker does.

    Raises:
        UsageProblem: standard input is no terminal.
    """
    if not os.isatty(0):
        raise UsageProblem(
            "the input device is not a TTY",
            hint="leave -t out: a pipe or file goes in by -i alone",
            reference="no-terminal",
        )


def streams(
    wanted: Collection[str],
    *,
    tty: bool,
    proxy: bool,
    keys: bytes,
) -> Streams:
    """Streams for a container in the foreground.

    When the output can't be written any more, the copying ends with :class:`OutputFailed`, and the
    container goes on, as in Docker.

    Args:
        wanted: of ``stdin``, ``stdout`` and ``stderr`` those to connect.
        tty: it has a terminal, which this process's becomes.
        proxy: forward signals to it.
        keys: those that leave it.
    """
    numbers = {number for number, name in ((1, "stdout"), (2, "stderr")) if name in wanted}

    name = ""

    def started(container: Container) -> None:
        nonlocal name
        name = container.name
        if proxy:
            SignalProxy(container, made.mark_end).install()

    def sink(stream: int, data: bytes) -> None:
        if stream in numbers:
            try:
                write_all(stream, data)
            except BrokenPipeError as error:
                raise OutputFailed(stream, error, _going_on(name)) from error
            except OutputFailed as error:
                error.hint = _going_on(name)
                raise

    sys.stdout.flush()
    window = next((number for number in (1, 0, 2) if os.isatty(number)), None)
    keyboard = Keyboard(window, keys if "stdin" in wanted else b"") if tty else None
    made = Streams(sink, 0 if "stdin" in wanted else None, started, keyboard=keyboard)
    return made


def _going_on(name: str) -> str:
    return (
        f"container {name} goes on to its own end: dockyard attach {name} connects again, dockyard"
        f" stop {name} ends it"
    )
