"""A container's streams on this process's own."""

from __future__ import annotations

import sys
from collections.abc import Callable

from dockyard.cli.signals import SignalProxy
from dockyard.containers.attach import Streams, write_all
from dockyard.containers.model import Container


def streams(
    *, interactive: bool, proxy: bool, on_start: Callable[[Container], None] | None = None
) -> Streams:
    """Streams for a container in the foreground.

    Args:
        interactive: give it this process's standard input.
        proxy: forward signals to it.
        on_start: gets the running container.
    """

    def started(container: Container) -> None:
        if on_start is not None:
            on_start(container)
        if proxy:
            SignalProxy(container).install()

    sys.stdout.flush()
    return Streams(write_all, 0 if interactive else None, started)
