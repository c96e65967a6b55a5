"""The activator's own figures, over HTTP on a socket of their own."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dockyard.serving.activator import head
from dockyard.serving.activator.answers import Refused, document
from dockyard.serving.activator.wire import Waker, Wire


class Admin:
    """A connection to the admin socket.

    Args:
        documents: what there is to read, by path.
    """

    def __init__(self, documents: dict[str, Callable[[], msgspec.Struct]], client: Wire) -> None:
        self._documents = documents
        self._client = client
        self._waker = Waker()
        client.notify = self._waker

    async def run(self) -> None:
        """Answers requests until the connection is over, then closes it."""
        client = self._client
        try:
            while not client.ended:
                size = head.find(client.buffer)
                if not size:
                    await self._waker.wait()
                    continue
                if not self._answer(head.request(client.take(size))):
                    return
        except head.Malformed as error:
            client.write(Refused(error.status, "bad-request", error.reason).render(close=True))
        finally:
            client.close()

    def _answer(self, request: head.Request) -> bool:
        """False where the connection is over: whatever has a body is not understood here."""
        close = request.close or request.chunked or bool(request.length)
        path = request.target.decode("latin-1").partition("?")[0]
        found = self._documents.get(path)
        if request.method not in (b"GET", b"HEAD"):
            reply = Refused(405, "bad-request", "there is only GET").render(close=close)
        elif found is None:
            reason = f"there is only {' and '.join(self._documents)}"
            reply = Refused(404, "not-found", reason).render(close=close)
        else:
            bodiless = request.method == b"HEAD"
            reply = document(200, msgspec.json.encode(found()), close=close, bodiless=bodiless)
        self._client.write(reply)
        return not close
