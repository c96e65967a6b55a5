"""A request's body on its way to a replica, kept as long as it may have to be sent again."""

from __future__ import annotations

from dockyard.serving.activator.framing import Framing
from dockyard.serving.activator.head import Malformed
from dockyard.serving.activator.wire import Wire

HELD_BYTES = 256 << 20


SHARE_BYTES = HELD_BYTES // 2
"""Of one variant: others have some, however much comes to it."""


class Budget:
    """Memory that the bodies of several requests share, part of what even more share."""

    __slots__ = ("_above", "_left")

    def __init__(self, limit: int = HELD_BYTES, above: Budget | None = None) -> None:
        self._left = limit
        self._above = above

    @property
    def left(self) -> int:
        """Bytes; a single read may make it negative."""
        return self._left if self._above is None else min(self._left, self._above.left)

    def take(self, count: int) -> None:
        """Bytes that are held now; negative for some that aren't any more."""
        self._left -= count
        if self._above is not None:
            self._above.take(count)


class Body:
    """A body as the client sends it, with its chunks.

    It is read as far as ``limit`` (and what all share) while it can't be sent. What was sent is
    kept until that limit is passed; then it can't be sent again.
    """

    __slots__ = ("_budget", "_framing", "_held", "_kept", "_next", "_pieces", "limit", "replayable")

    def __init__(self, framing: Framing, limit: int, budget: Budget) -> None:
        self.limit = limit
        self.replayable = True
        """All that was sent is still here."""
        self._framing = framing
        self._budget = budget
        self._kept = True
        self._pieces: list[bytes] = []
        self._next = 0
        self._held = 0

    @property
    def complete(self) -> bool:
        """All of it was read from the client."""
        return self._framing.done

    @property
    def sent(self) -> bool:
        """All of it went to the replica."""
        return self._framing.done and self._next == len(self._pieces)

    def hold(self, client: Wire) -> bool:
        """Reads what came and may be kept; False where nothing did.

        Raises:
            Malformed: it isn't a body.
        """
        if self._framing.done or self._held >= self.limit or self._budget.left <= 0:
            return False
        return self._read(client)

    def next(self, client: Wire) -> bytes | None:
        """The next piece to send, which counts as sent; ``None`` where there is none for now.

        Raises:
            Malformed: it isn't a body.
        """
        if self._next == len(self._pieces) and (self._framing.done or not self._read(client)):
            return None
        piece = self._pieces[self._next]
        self._next += 1
        if not self._kept or self._held > self.limit or self._budget.left < 0:
            self._drop()
        return piece

    def rewind(self) -> None:
        """Sends all of it again."""
        self._next = 0

    def settle(self) -> None:
        """Keeps nothing any more: it won't be sent again."""
        self._kept = False
        self._drop()

    def close(self) -> None:
        """Gives its memory back."""
        self._budget.take(-self._held)
        self._held = 0
        self._pieces.clear()
        self._next = 0

    def _read(self, client: Wire) -> bool:
        count = self._framing.scan(client.buffer)
        if not count:
            if client.ended and not self._framing.done:
                raise Malformed("the body is shorter than it says")
            return False
        self._pieces.append(client.take(count))
        self._held += count
        self._budget.take(count)
        return True

    def _drop(self) -> None:
        if not self._next:
            return
        freed = sum(map(len, self._pieces[: self._next]))
        del self._pieces[: self._next]
        self._next = 0
        self._held -= freed
        self._budget.take(-freed)
        self.replayable = False
