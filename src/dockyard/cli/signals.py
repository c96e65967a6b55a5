"""Signals for a container in the foreground: what the command gets, the program gets."""

from __future__ import annotations

import signal
from collections.abc import Callable

from dockyard.containers import finish
from dockyard.containers.apply import ENDING
from dockyard.containers.model import Container
from dockyard.errors import DockyardError
from dockyard.system.signals import signal_number

_FORWARDED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
_PATIENCE = 3


class SignalProxy:
    """Forwards signals to a container; the third request to end leaves it alone instead.

    A program that is its container's first process ignores what it has no handler for, so
    without that limit Ctrl-C might never end the command.
    """

    def __init__(self, container: Container, ending: Callable[[], None] | None = None) -> None:
        """``ending`` is called before a signal that is meant to end the container."""
        self._container = container
        self._ending = ending
        self._requests = 0

    def install(self) -> None:
        """Takes over this process's signals."""
        for number in _FORWARDED:
            signal.signal(number, self.forward)

    def forward(self, number: int, _frame: object = None) -> None:
        """Sends one signal on.

        Raises:
            DockyardError: it was the third request to end.
        """
        if number in {signal.SIGINT, signal.SIGTERM}:
            self._requests += 1
        if self._requests >= _PATIENCE:
            name = self._container.name
            raise DockyardError(
                f"got {_PATIENCE} requests to end, but container {name} ignores them and runs on",
                hint=f"dockyard stop {name}, or next time: dockyard run --init",
                reference="signals-ignored",
                exit_code=130,
            )
        if self._ending is not None and number in {
            *ENDING,
            signal_number(self._container.stop_signal),
        }:
            self._ending()
        finish.send_signal(self._container.process, number)
