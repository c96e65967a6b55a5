"""What is on its way here, and set aside for it: so all of it together keeps the quotas.

Whether something may be kept is decided within the change that keeps it; see
:mod:`dockyard.registry.server.quota`. Before that it would lie on the disk, however much it is: so
nothing is written that was not set aside, and what is set aside for one is there for no other.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from dockyard.registry.server import problems, quota
from dockyard.registry.server.blobs import Blobs, Upload
from dockyard.registry.server.content import Content
from dockyard.registry.server.rules import Rules
from dockyard.state.database import Database

_LEAST_AHEAD: Final = 1 << 20
_SHARE_AHEAD: Final = 32
"""Of what a quota leaves, one in so many bytes is set aside at once for what has no known end."""


class Reservation:
    """What is set aside for one upload."""

    __slots__ = ("granted", "upload")

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.granted = 0
        """Bytes that it may have in all, what has come before included."""


class Reservations:
    """All that is set aside. One for a server; safe between threads."""

    def __init__(self, database: Database, content: Content, blobs: Blobs) -> None:
        self._database = database
        self._content = content
        self._blobs = blobs
        self._deciding = threading.Lock()
        self._open: dict[str, Reservation] = {}

    def open(self, upload: Upload) -> Reservation:
        """Begins to count what an upload is granted, until :meth:`close`. Never waits."""
        reservation = self._open[upload.id] = Reservation(upload)
        return reservation

    def close(self, reservation: Reservation) -> None:
        """From now on the upload counts as what is in its file. Idempotent; never waits."""
        if self._open.get(reservation.upload.id) is reservation:
            del self._open[reservation.upload.id]

    def needs(self, reservation: Reservation, rules: Rules, size: int) -> bool:
        """Whether an upload may become so large only after :meth:`extend`. Never waits."""
        return size > reservation.granted and bool(rules.quotas_of(reservation.upload.repository))

    def extend(
        self, reservation: Reservation, rules: Rules, size: int, *, ahead: bool = False
    ) -> None:
        """Sets aside that an upload may have this size.

        Args:
            ahead: as much more as is fair, so that it needn't be asked for each block.

        Raises:
            problems.Refused: there is no room for it.
        """
        upload = reservation.upload
        with self._deciding:
            room = self.room(rules, upload.repository, besides=upload.id)
            if room is None:
                return
            room.require(size)
            more = max(_LEAST_AHEAD, (room.bytes - size) // _SHARE_AHEAD) if ahead else 0
            reservation.granted = min(room.bytes, size + more)

    def admit(self, reservation: Reservation, rules: Rules, size: int) -> None:
        """Refuses what is larger than is laid down, as it comes in; for a thread.

        Raises:
            problems.Refused: so many bytes are too many.
        """
        if rules.max_blob and size > rules.max_blob:
            raise problems.too_large(rules.max_blob)
        if self.needs(reservation, rules, size):
            self.extend(reservation, rules, size, ahead=True)

    def room(self, rules: Rules, repository: str, besides: str = "") -> quota.Room | None:
        """How much more may be sent to a repository; ``None`` where there is no quota.

        Args:
            besides: an upload that doesn't count: the one that asks.
        """
        if not rules.quotas_of(repository):
            return None
        granted = {key: one.granted for key, one in list(self._open.items())}
        sending: Counter[str] = Counter()
        for upload in self._blobs.open_uploads():
            if upload.id != besides:
                come = self._content.received(upload.id) or 0
                sending[upload.repository] += max(come, granted.get(upload.id, 0))
        return quota.room(self._database, sending, rules, repository)
