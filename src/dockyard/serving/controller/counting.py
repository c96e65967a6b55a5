"""What the gateway's access log counts of variants since a rollout's step began."""

from __future__ import annotations

import contextlib

from msgspec.structs import replace

from dockyard.serving.decide.model import Traffic
from dockyard.serving.gateway import access_log
from dockyard.serving.gateway.access_log import Reader


class Counting:
    """Reads the log as it grows, while there is a rollout.

    What the activator served counts only where it serves all of a variant's requests: else its
    time has the start of a replica in it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._reader: Reader | None = None
        self._counted: dict[tuple[str, float], Traffic] = {}

    def read(self, wanted: set[tuple[str, float]], always_held: set[str]) -> None:
        """Takes what was logged since the last call.

        Args:
            wanted: targets, each with the moment since which it is counted, in seconds since 1970.
            always_held: targets of which the activator serves all.
        """
        if not wanted:
            self.close()
            return
        if self._reader is None:
            self._reader = Reader(self._path)
        found = self._reader.read()
        self._counted = {key: self._counted.get(key, Traffic()) for key in wanted}
        for target, since in wanted:
            lines = [one for one in found if one.target == target]
            if target in always_held:
                lines = [replace(one, upstream="replica") for one in lines]
            more = access_log.traffic(lines, since=since).get(target, Traffic())
            self._counted[target, since] = access_log.added(self._counted[target, since], more)

    def of(self, target: str, since: float) -> Traffic:
        """What was counted."""
        return self._counted.get((target, since), Traffic())

    def close(self) -> None:
        """Forgets all; there is no rollout."""
        if self._reader is not None:
            with contextlib.suppress(OSError):
                self._reader.close()
        self._reader = None
        self._counted = {}
