"""``/metrics`` for Prometheus, on an address of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from dockyard.serving.controller.reporter import Reporter

_HEAD_BYTES: Final = 1 << 14
_SECONDS: Final = 10.0
_AGAIN: Final = 5.0
_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Scrape:
    """Answers one request a connection.

    Args:
        page: makes what is scraped; called in a thread.
    """

    def __init__(self, listen: str, page: Callable[[], bytes], reporter: Reporter) -> None:
        self._listen = listen
        self._page = page
        self._reporter = reporter
        self._server: asyncio.Server | None = None
        self._trying: asyncio.Task[None] | None = None
        self._turn = asyncio.Semaphore()

    async def begin(self) -> None:
        """Listens; where that can't be, it is told, tried again, and all else goes on."""
        if self._listen.rpartition(":")[0] and not await self._listens():
            self._trying = asyncio.create_task(self._try())

    async def _try(self) -> None:
        while not await self._listens():
            await asyncio.sleep(_AGAIN)

    async def _listens(self) -> bool:
        address, _, port = self._listen.rpartition(":")
        try:
            self._server = await asyncio.start_server(
                self._answer, address.strip("[]"), int(port), limit=_HEAD_BYTES
            )
        except OSError as error:
            self._reporter.trouble("metrics", f"can't listen at {self._listen}: {error.strerror}")
            return False
        return True

    async def end(self) -> None:
        """Listens no more."""
        if self._trying is not None:
            self._trying.cancel()
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                line = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
                writer.write(await self._response(line))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def _response(self, line: bytes) -> bytes:
        method, _, rest = line.partition(b" ")
        path = rest.split(b" ")[0].partition(b"?")[0]
        if method not in {b"GET", b"HEAD"} or path != b"/metrics":
            return _message("404 Not Found", b"there is /metrics\n")
        async with self._turn:  # one at a time: the threads are the controller's as well
            body = await asyncio.to_thread(self._page)
        return _message("200 OK", body, head=method == b"HEAD")


def _message(status: str, body: bytes, *, head: bool = False) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {_TYPE}", f"Content-Length: {len(body)}",
             "Connection: close", "", "")  # fmt: skip
    return "\r\n".join(lines).encode() + (b"" if head else body)
