"""HTTP/1.1 as a plain client speaks it, and what can go wrong on the way, told apart.

Nothing is tried again and no redirect is followed: what a client sees is what is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

import msgspec

_HEAD_END = b"\r\n\r\n"
_WITHOUT_BODY = frozenset({204, 304})
_SMALL = 64 << 10
"""Bytes that are written at once, without watching for an answer meanwhile."""

Failure = Literal["refused", "reset", "other"]


class Broken(Exception):
    """There is no whole answer; ``kind`` says why."""

    def __init__(self, kind: Failure, detail: str) -> None:
        super().__init__(detail)
        self.kind: Failure = kind


class Answer(msgspec.Struct, frozen=True):
    """A whole answer; names of headers are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One to a server, that may be used again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._used = False

    @property
    def is_open(self) -> bool:
        """False where the other side is known to have closed it."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, request: bytes, *, has_answer_body: bool) -> tuple[Answer, bool]:
        """The answer, and whether the connection can be used again.

        Raises:
            Broken: the connection broke.
        """
        sending = asyncio.ensure_future(self._send(request)) if len(request) > _SMALL else None
        if sending is None:
            self._writer.write(request)
        try:
            answer, keep = await self._answer(has_answer_body=has_answer_body)
        except (OSError, EOFError, ValueError, IndexError) as error:
            how = "used before" if self._used else "new"
            raise Broken("reset", f"{type(error).__name__} on a {how} connection") from error
        finally:
            whole = sending is None or sending.done()
            if sending is not None:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await sending
        self._used = True
        return answer, keep and whole

    def close(self) -> None:
        """Ends it at once."""
        self._writer.transport.abort()

    async def _send(self, request: bytes) -> None:
        # What breaks here is found by the reader, which may have got an answer before.
        with contextlib.suppress(OSError):
            self._writer.write(request)
            await self._writer.drain()

    async def _answer(self, *, has_answer_body: bool) -> tuple[Answer, bool]:
        status = 100
        headers: dict[str, str] = {}
        while status < 200:
            head = (await self._reader.readuntil(_HEAD_END)).decode("latin-1")
            first, *lines = head[:-4].split("\r\n")
            status = int(first.split(" ", 2)[1])
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
        if not has_answer_body or status in _WITHOUT_BODY:
            return Answer(status, headers, b""), headers.get("connection", "") != "close"
        body, ends = await self._body(headers)
        return Answer(status, headers, body), ends and headers.get("connection", "") != "close"

    async def _body(self, headers: dict[str, str]) -> tuple[bytes, bool]:
        """The content, and whether it had an end of its own."""
        if "chunked" in headers.get("transfer-encoding", ""):
            return await self._chunks(), True
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"])), True
        return await self._reader.read(), False

    async def _chunks(self) -> bytes:
        parts = []
        while size := int((await self._reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            continue
        return b"".join(parts)


class Pool:
    """Connections to one server; the one that was used last is used next."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._idle: list[Connection] = []

    async def ask(self, request: bytes, *, has_answer_body: bool = True) -> Answer:
        """Sends a whole request, on a connection that is free or a new one.

        Raises:
            Broken: there is no answer.
        """
        connection = await self._take()
        keep = False
        try:
            answer, keep = await connection.ask(request, has_answer_body=has_answer_body)
        finally:
            if keep:
                self._idle.append(connection)
            else:
                connection.close()
        return answer

    def close(self) -> None:
        """Ends the connections that are idle."""
        while self._idle:
            self._idle.pop().close()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            connection.close()
        try:
            return Connection(*await asyncio.open_connection(*self._address))
        except ConnectionRefusedError as error:
            raise Broken("refused", "connection refused") from error
        except OSError as error:
            raise Broken("other", str(error)) from error
