"""How much of an image has come or gone, over all of its blobs."""

from __future__ import annotations

import threading

from msgspec.structs import replace

from dockyard.compose.progress import Listener, Step
from dockyard.observability.transfers import Transfer


class Amounts:
    """Tells of a step again and again, with how many bytes of all blobs are there."""

    def __init__(self, listener: Listener, step: Step) -> None:
        self._listener = listener
        self._step = step
        self._known: dict[str, tuple[int, int]] = {}
        self._guard = threading.Lock()

    def __call__(self, transfer: Transfer) -> None:
        """Takes what is told of one blob."""
        if transfer.phase not in {"downloading", "uploading"}:
            return
        with self._guard:
            self._known[transfer.digest] = (transfer.done, transfer.total or transfer.done)
            done, total = (sum(each) for each in zip(*self._known.values(), strict=True))
        self._listener(replace(self._step, done=done, total=total))
