"""The way in to one variant: its socket, and the connections that came through it."""

from __future__ import annotations

import asyncio
import traceback
from typing import Protocol

from dockyard.serving.activator.listener import Listener
from dockyard.serving.activator.served import Served
from dockyard.serving.activator.session import Session
from dockyard.serving.activator.shared import log
from dockyard.serving.activator.splice import Splice
from dockyard.serving.activator.wire import Wire


class _Guest(Protocol):
    async def run(self) -> None: ...

    def look(self) -> None: ...


class Door:
    """Binds a variant's socket; :meth:`open` lets clients in.

    Raises:
        OSError: the socket can't be made.
    """

    def __init__(self, served: Served) -> None:
        self.served = served
        self._listener = Listener(served.target.socket)
        self._guests: dict[Wire, tuple[_Guest, asyncio.Task[None]]] = {}

    def open(self) -> None:
        """Begins to accept connections."""
        self._listener.serve(self._welcome)

    @property
    def empty(self) -> bool:
        return not self._guests and not self._listener.opening

    def close(self, *, remove: bool) -> None:
        """Accepts no more; who is in goes on, and out after the request."""
        self._listener.close(remove=remove)
        self.look()

    def look(self) -> None:
        """Has all connections look around."""
        for guest, _ in list(self._guests.values()):
            guest.look()

    def clear(self) -> None:
        """Breaks off all connections."""
        for _, task in list(self._guests.values()):
            task.cancel()

    def tick(self) -> None:
        """From time to time: notices clients that went away while nothing was read from them."""
        self.served.tick()
        for wire in list(self._guests):
            wire.look()

    def _welcome(self, wire: Wire) -> None:
        make = Splice if self.served.target.protocol == "h2c" else Session
        guest: _Guest = make(self.served, wire)
        task = asyncio.get_running_loop().create_task(self._serve(guest, wire))
        self._guests[wire] = guest, task

    async def _serve(self, guest: _Guest, wire: Wire) -> None:
        try:
            await guest.run()
        except asyncio.CancelledError:
            wire.abort()
        except Exception as error:  # noqa: BLE001  # noted; the other connections go on
            place = traceback.extract_tb(error.__traceback__)[-1]
            log(f"{self.served.target.id}: {type(error).__name__}: {error} ({place})")
            wire.abort()
        finally:
            self._guests.pop(wire, None)
            wire.close()
