"""The lock under which what all endpoints of a root share is read and changed."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.state.locks import Lock
from dockyard.system import process
from dockyard.system.process import Completed


class NetworkLock(Lock):
    """A lock that also the programs hold which change something under it.

    When this process is killed, its ``ip`` or ``nft`` works on. As it inherits the lock, the next
    command waits for its end, and so never sees, or is overwritten by, half of a change.
    """

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,  # noqa: A002  # as in process.run
        check: bool = True,
    ) -> Completed:
        """Runs a program that holds the lock to its end; see :func:`process.run`."""
        return process.run(argv, input=input, check=check, pass_fds=(self._descriptor,))
