"""How far a pull or a push has come, blob by blob, told to whoever listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Literal, Protocol

import msgspec

Phase = Literal[
    "waiting", "exists", "downloading", "verifying", "extracting", "pulled",
    "preparing", "compressing", "uploading", "present", "mounted", "pushed",
    "copying", "copied",
]  # fmt: skip
ENDS: frozenset[Phase] = frozenset({
    "exists", "pulled", "present", "mounted", "pushed", "copied",
})  # fmt: skip
"""The last phase of a blob is one of these."""
_PAUSE_SECONDS = 0.05


class Transfer(msgspec.Struct, frozen=True):
    """One blob on its way, as it is now.

    - ``waiting``: its turn has not come, or another command is fetching it;
    - ``downloading``, ``extracting``, ``pulled``: a layer that comes;
    - ``verifying``: what was there of it from before;
    - ``preparing``, ``compressing``, ``uploading``, ``pushed``: a blob that goes;
    - ``copying``, ``copied``: a blob that goes from one place to another;
    - ``exists``: nothing has to be fetched, or copied;
    - ``present``, ``mounted``: nothing has to be sent, for ``note`` says where it is.
    """

    digest: str
    phase: Phase
    done: int = 0
    """Bytes of this phase."""
    total: int | None = None
    note: str = ""
    before: int = 0
    """Those of the bytes done that were before this phase: an earlier command's, mostly."""
    retry_seconds: float = 0.0
    problem: str = ""
    """Why it is tried again after so many seconds: ``connection reset``; empty while it isn't."""


class Hearer(Protocol):
    """Hears of one blob. Safe between threads."""

    def add(self, count: int, /) -> None:
        """So many bytes more; fewer than none where they are to be sent again."""

    def found(self, count: int, /) -> None:
        """So many bytes that were there before, as from an earlier command."""

    def retrying(self, seconds: float, problem: str, /) -> None:
        """It failed, and is tried again after so many seconds."""


class Unheard:
    """Nobody listens."""

    def add(self, count: int, /) -> None:
        """Does nothing."""

    def found(self, count: int, /) -> None:
        """Does nothing."""

    def retrying(self, seconds: float, problem: str, /) -> None:
        """Does nothing."""


UNHEARD: Final = Unheard()

Listener = Callable[[Transfer], None]
"""Gets one call after the other, from whichever thread; that thread waits for it."""


class Transfers:
    """Tells a listener of many blobs at once, not more often than anybody can see.

    Safe between threads.
    """

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._guard = threading.Lock()

    def track(self, digest: str, total: int | None = None, phase: Phase = "waiting") -> Track:
        """Begins with a blob."""
        return Track(self._tell, digest, phase, total)

    def _tell(self, transfer: Transfer) -> None:
        if self._listener is not None:
            with self._guard:
                self._listener(transfer)


class Track:
    """One blob's way. Its bytes may be counted by several threads."""

    def __init__(
        self, tell: Callable[[Transfer], None], digest: str, phase: Phase, total: int | None
    ) -> None:
        self._tell = tell
        self._guard = threading.Lock()
        self._now = Transfer(digest, phase, 0, total)
        self._next = 0.0
        tell(self._now)

    def phase(self, phase: Phase, total: int | None = None, *, note: str = "") -> None:
        """Goes on to a phase, which begins with no bytes done."""
        with self._guard:
            self._now = Transfer(self._now.digest, phase, 0, total, note)
            self._next = 0.0
            self._tell(self._now)

    def add(self, count: int, phase: Phase | None = None) -> None:
        """Takes note of so many bytes more.

        Args:
            phase: those bytes are of this phase, and don't count in another.
        """
        with self._guard:
            if phase is not None and phase != self._now.phase:
                return
            before, was = self._now, bool(self._now.problem)
            done = before.done + count
            self._now = msgspec.structs.replace(
                before, done=done, before=min(before.before, done), note="", retry_seconds=0.0,
                problem="",
            )  # fmt: skip
            now = time.monotonic()
            if was or now >= self._next:
                self._next = now + _PAUSE_SECONDS
                self._tell(self._now)

    def found(self, count: int) -> None:
        """Takes note of so many bytes that were done before this phase began."""
        with self._guard:
            done, before = self._now.done + count, self._now.before + count
            self._now = msgspec.structs.replace(
                self._now, done=done, before=before, note="", retry_seconds=0.0, problem=""
            )
            self._tell(self._now)

    def retrying(self, seconds: float, problem: str) -> None:
        """Says that it failed, and is tried again after so many seconds."""
        with self._guard:
            self._now = msgspec.structs.replace(
                self._now, retry_seconds=seconds, problem=problem
            )  # fmt: skip
            self._tell(self._now)
