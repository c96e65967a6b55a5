"""A filesystem that is brought to disk beside other work."""

from __future__ import annotations

import os
import threading

from dockyard.state.paths import unusable
from dockyard.system import syscalls


class Sync:
    """Begins at once: what is written later may not be on disk when it ends."""

    def __init__(self, directory: str) -> None:
        """``directory`` is any on the filesystem."""
        self._directory = directory
        self._failure: OSError | None = None
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="syncfs")
        self._thread.start()

    def wait(self) -> None:
        """Returns when all is on disk; from any thread, as often as one likes.

        Raises:
            DiskFull, PermissionMissing, StateError: the disk failed.
        """
        self._thread.join()
        if self._failure is not None:
            raise unusable(self._directory, self._failure) from self._failure

    def _run(self) -> None:
        try:
            syscalls.syncfs(self._descriptor)
        except OSError as error:
            self._failure = error
        finally:
            os.close(self._descriptor)
