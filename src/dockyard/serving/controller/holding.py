"""The activator as the controller sees it: a file that it reads, a socket that it answers at."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import msgspec

from dockyard.serving import sight
from dockyard.serving.activator.model import Stats, Target, Targets
from dockyard.serving.places import Serving
from dockyard.system.files import write_atomically


class Holding:
    """See :class:`dockyard.serving.controller.ports.Activator`."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._written: tuple[Target, ...] | None = None
        self._version = int(time.time() * 1000)

    def write(self, targets: Sequence[Target]) -> bool:
        """Writes its targets where they are others than before."""
        wanted = tuple(targets)
        if wanted == self._written and os.path.exists(self._serving.targets):
            return False
        self._version += 1
        found = Targets(
            wake=self._serving.wake, admin=self._serving.activator_admin, targets=wanted,
            version=self._version,
        )  # fmt: skip
        write_atomically(self._serving.targets, msgspec.json.encode(found), durable=False)
        self._written = wanted
        return True

    def stats(self) -> Stats | None:
        """Its figures."""
        return sight.stats(self._serving)
