"""What the gateway's access log counts of variants since a rollout's step began."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from dockyard.serving.controller.tally import Manner, Tally
from dockyard.serving.decide.model import Traffic
from dockyard.serving.gateway.access_log import Reader


class Counting:
    """Reads the log as it grows, while there is a rollout."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._reader: Reader | None = None
        self._tallies: dict[tuple[str, float], Tally] = {}

    def read(self, wanted: Mapping[tuple[str, float], Manner]) -> None:
        """Takes what was logged since the last call.

        Args:
            wanted: targets, each with the moment since which it is counted, in seconds since 1970.
        """
        if not wanted:
            self.close()
            return
        if self._reader is None:
            self._reader = Reader(self._path)
        found = self._reader.read()
        before = self._tallies
        self._tallies = {
            key: before.get(key) or Tally(key[1], manner) for key, manner in wanted.items()
        }
        for (target, _), tally in self._tallies.items():
            tally.take(one for one in found if one.target == target)

    def of(self, target: str, since: float) -> Traffic:
        """What was counted."""
        tally = self._tallies.get((target, since))
        return tally.traffic() if tally is not None else Traffic()

    def close(self) -> None:
        """Forgets all; there is no rollout."""
        if self._reader is not None:
            with contextlib.suppress(OSError):
                self._reader.close()
        self._reader = None
        self._tallies = {}
