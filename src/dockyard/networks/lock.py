"""The lock under which what all endpoints of a root share is read and changed."""

from __future__ import annotations

import os
import subprocess
import threading
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

    def hand_over(self, argv: Sequence[str], text: str) -> None:
        """Starts a program that nobody waits for but the next one who wants the lock.

        It goes on when this process ends, and reads ``text`` as its standard input from memory,
        not from this process. What it fails to do is found by :meth:`Networks.verify`.

        Raises:
            ComponentMissing: it is not installed.
        """
        with open(os.memfd_create("input", os.MFD_CLOEXEC), "wb+") as given:
            given.write(text.encode())
            given.seek(0)
            child = subprocess.Popen(
                [process.require(argv[0]), *argv[1:]],
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(self._descriptor,),
                start_new_session=True,
            )
        threading.Thread(target=child.wait, daemon=True).start()  # no zombie where we live on
