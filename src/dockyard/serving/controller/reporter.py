"""What the controller tells: decisions for ``explain``, lines for its log."""

from __future__ import annotations

import contextlib
import sys
import time

from dockyard.serving.records import Decided
from dockyard.serving.store import Key, ServingStore

_REPEATED = 60.0
"""Seconds after which the same trouble is told again."""


class Reporter:
    """Collects decisions until they are written, and prints lines that conmon logs."""

    def __init__(self) -> None:
        self._decided: list[Decided] = []
        self._troubles: dict[str, tuple[str, float]] = {}

    def decided(self, key: Key, kind: str, text: str) -> None:
        """Something was decided about a variant."""
        self._decided.append(Decided(time.time(), *key, kind, text))
        self.log(key, f"{kind}: {text}")

    def log(self, key: Key, text: str) -> None:
        """A line about a variant."""
        _print(f"{key[0]}/{key[1]} {text}")

    def trouble(self, what: str, text: str) -> None:
        """Something of the controller's own goes wrong; the same is told once a minute."""
        known = self._troubles.get(what)
        now = time.monotonic()
        if known is not None and known[0] == text and now - known[1] < _REPEATED:
            return
        self._troubles[what] = (text, now)
        _print(f"{what}: {text}")

    def write(self, store: ServingStore) -> None:
        """Writes down what was decided since."""
        found, self._decided = self._decided, []
        if found:
            store.tell(*found)


def _print(text: str) -> None:
    with contextlib.suppress(OSError):  # the monitor may have been killed
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
