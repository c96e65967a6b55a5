"""What the tries at work look like to the thread that watches them: it ends those that hang."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Canceled(Exception):  # no error: somebody wants the batch to end
    """The batch is to end."""


class Hand:
    """A container at work, in the thread that works with it."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._moved = time.monotonic()
        self.container = ""
        """Its id, once there is one."""
        self.late = False
        """It was ended for its silence."""

    def touch(self) -> None:
        """It gave a sign of life."""
        self._moved = time.monotonic()

    def is_silent(self, now: float) -> bool:
        """Whether there was no sign of life for too long."""
        return self._timeout is not None and now - self._moved > self._timeout


class Watch:
    """All hands of a batch."""

    def __init__(self, end: Callable[[str], None]) -> None:
        """``end`` removes a container, and doesn't fail."""
        self._end = end
        self._hands: set[Hand] = set()
        self._guard = threading.Lock()
        self.stopping = threading.Event()

    @contextlib.contextmanager
    def at_work(self, timeout: float | None) -> Iterator[Hand]:
        """A hand that is watched meanwhile.

        Raises:
            Canceled: the batch ends.
        """
        if self.stopping.is_set():
            raise Canceled
        hand = Hand(timeout)
        with self._guard:
            self._hands.add(hand)
        try:
            yield hand
        finally:
            with self._guard:
                self._hands.discard(hand)

    def wait(self, seconds: float) -> None:
        """Waits before the next try.

        Raises:
            Canceled: the batch ends.
        """
        if self.stopping.wait(seconds):
            raise Canceled

    def check(self) -> None:
        """Ends containers that are silent for too long, and all of them when the batch ends."""
        now = time.monotonic()
        with self._guard:
            hands = list(self._hands)
        for hand in hands:
            silent = hand.is_silent(now)
            if hand.container and (silent or self.stopping.is_set()):
                hand.late = silent
                self._end(hand.container)
