"""What the activator passes on: byte by byte, in both directions, as it comes."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp import web
from tests.support import activators
from tests.support.activators import Activator
from tests.support.replicas import Replica, raw, replica


@pytest.fixture(scope="module")
def process() -> Iterator[Activator]:
    with activators.started() as one:
        yield one


@pytest.fixture
def activator(process: Activator) -> Iterator[Activator]:
    yield process
    process.rest()


LARGE = os.urandom(3 << 20)


async def digest_of(request: web.BaseRequest) -> web.Response:
    digest = hashlib.sha256()
    async for piece in request.content.iter_any():
        digest.update(piece)
    return web.Response(text=digest.hexdigest())


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("max_body", [32 << 20, 1 << 20, 0])
def test_large_bodies_arrive_as_they_were(
    activator: Activator, *, chunked: bool, max_body: int
) -> None:
    """Those that are held, too large to be held, and sent back."""

    async def scenario() -> None:
        async def echo(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            async for piece in request.content.iter_any():
                await response.write(piece)
            return response

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(LARGE), 100_000):
                yield LARGE[start : start + 100_000]

        async with replica(echo) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address, max_body=max_body))
            async with session.post(
                "/", data=pieces() if chunked else io.BytesIO(LARGE)
            ) as response:
                assert await response.read() == LARGE

    asyncio.run(scenario())


def test_the_replica_sees_the_head_as_it_was(activator: Activator) -> None:
    """Order, case and bytes; only what is between two neighbours is left out."""
    line = b"GET /%7e?a=b&c HTTP/1.1\r\n"
    first = b"X-Second: \xc3\xbc \t\r\nhost: embed:80\r\nX-first:1\r\n"
    between = b"Connection: close, x-gone\r\nX-Gone: 1\r\nTE: trailers\r\n"
    last = b"traceparent: 00-ab\r\n\r\n"

    async def scenario() -> None:
        heads: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(
                b"HTTP/1.1 200 Fine, Thanks\r\nX-b: \xe9\r\nx-A: 1\r\nx-A: 2\r\n"
                b"Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok"
            )
            await writer.drain()

        async with raw(answer) as one:
            activator.serve(activator.target(one.address))
            reply = await asyncio.to_thread(
                activators.exchange, activator.socket(), line + first + between + last
            )

        assert heads == [line + first + last]
        assert reply == (
            b"HTTP/1.1 200 Fine, Thanks\r\nX-b: \xe9\r\nx-A: 1\r\nx-A: 2\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\nok"
        )

    asyncio.run(scenario())


def test_events_arrive_when_they_are_sent(activator: Activator) -> None:
    async def scenario() -> None:
        heard = asyncio.Event()

        async def events(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            for number in range(3):
                heard.clear()
                await response.write(b"data: %d\n\n" % number)
                await heard.wait()  # the next one only after the client has this
            return response

        async with replica(events) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            async with session.get("/") as response:
                got = []
                async for line in response.content:
                    if line.strip():
                        got.append(line)
                        heard.set()
        assert got == [b"data: 0\n", b"data: 1\n", b"data: 2\n"]

    asyncio.run(scenario())


def test_a_websocket_goes_through_and_counts_as_long_as_it_lives(activator: Activator) -> None:
    async def scenario() -> None:
        async def echo(request: web.BaseRequest) -> web.StreamResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                await socket.send_bytes(message.data)
            return socket

        async with replica(echo) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address, concurrency=1, timeout=1.5))
            async with session.ws_connect("/") as socket:
                for size in (1, 1000, 300_000):
                    await socket.send_bytes(b"x" * size)
                    assert await socket.receive_bytes() == b"x" * size
                await asyncio.sleep(1.6)  # its time is not a request's
                await socket.send_bytes(b"still")
                assert await socket.receive_bytes() == b"still"
                assert activator.figures().active == 1
            async with session.ws_connect("/") as socket:
                await socket.send_bytes(b"again")
                assert await socket.receive_bytes() == b"again"

    asyncio.run(scenario())


def test_a_refused_upgrade_is_an_ordinary_answer(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica() as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect("/ws")
            assert caught.value.status == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "status", "length"), [("HEAD", 200, "5"), ("GET", 204, None), ("GET", 304, None)]
)
def test_answers_without_a_body_keep_the_connection(
    activator: Activator, method: str, status: int, length: str | None
) -> None:
    async def scenario() -> None:
        async def answer(request: web.BaseRequest) -> web.Response:
            return web.Response(status=status, text="hello" if status == 200 else None)

        async with replica(answer) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            for _ in range(3):
                async with session.request(method, "/") as response:
                    assert response.status == status
                    assert response.headers.get("Content-Length") == length
                    assert await response.read() == b""
            assert len(one.seen) == 3

    asyncio.run(scenario())


def test_chunks_and_trailers_pass_as_they_are(activator: Activator) -> None:
    request = (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    body = b"5;note=x\r\nhello\r\n0a\r\n0123456789\r\n0\r\nX-Sum: 15\r\n\r\n"

    async def scenario() -> None:
        got: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            got.append(await reader.readexactly(len(body)))
            writer.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + body
            )
            await writer.drain()

        async with raw(answer) as one:
            activator.serve(activator.target(one.address))
            reply = await asyncio.to_thread(activators.exchange, activator.socket(), request + body)

        assert got == [body]
        assert reply.partition(b"\r\n\r\n")[2] == body

    asyncio.run(scenario())


def test_who_asks_first_is_told_to_send_the_body(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica(digest_of) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            async with session.post("/", data=io.BytesIO(LARGE), expect100=True) as response:
                assert await response.text() == hashlib.sha256(LARGE).hexdigest()

    asyncio.run(scenario())


def test_who_asks_first_needn_send_what_nobody_wants(activator: Activator) -> None:
    activator.serve(activator.target(condition="failed", reason="no such model"))

    reply = activators.exchange(
        activator.socket(),
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    )

    assert reply.startswith(b"HTTP/1.1 503 ")
    assert b"no such model" in reply


def test_an_answer_before_the_end_of_the_request_arrives(activator: Activator) -> None:
    async def scenario() -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")
            await writer.drain()

        async with raw(refuse) as one:
            activator.serve(activator.target(one.address))
            reply = await asyncio.to_thread(
                activators.exchange, activator.socket(),
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000,
            )  # fmt: skip

        assert reply.startswith(b"HTTP/1.1 413 Too Large\r\n")
        assert reply.endswith(b"Connection: close\r\n\r\nno!")

    asyncio.run(scenario())


def test_an_old_replica_ends_its_answers_by_closing(activator: Activator) -> None:
    """As Python's own server does."""

    async def scenario() -> None:
        async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\n" + LARGE)
            await writer.drain()

        async with raw(old) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            for _ in range(2):
                async with session.get("/") as response:
                    assert await response.read() == LARGE

    asyncio.run(scenario())


def test_an_old_client_is_answered_and_closed(activator: Activator) -> None:
    async def scenario(one: Replica) -> bytes:
        activator.serve(activator.target(one.address))
        request = b"GET /old HTTP/1.0\r\n\r\n"
        return await asyncio.to_thread(activators.exchange, activator.socket(), request)

    async def run() -> bytes:
        async with replica() as one:
            return await scenario(one)

    reply = asyncio.run(run())
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert reply.endswith(b"\r\n\r\n/old")


def test_an_interim_answer_comes_before_the_final_one(activator: Activator) -> None:
    async def scenario() -> None:
        async def hint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            )
            await writer.drain()

        async with raw(hint) as one:
            activator.serve(activator.target(one.address))
            reply = await asyncio.to_thread(
                activators.exchange, activator.socket(),
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            )  # fmt: skip

        assert re.findall(rb"HTTP/1.1 (\d+)", reply) == [b"103", b"200"]
        assert reply.endswith(b"ok")

    asyncio.run(scenario())


def test_requests_one_behind_the_other_are_answered_in_turn(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica() as one:
            activator.serve(activator.target(one.address))
            first = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
            post = b"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            last = b"GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            reply = await asyncio.to_thread(
                activators.exchange, activator.socket(), first + post + last
            )

            assert re.findall(rb"\r\n\r\n(/\d)", reply) == [b"/1", b"/2", b"/3"]
            assert one.seen == ["/1", "/2", "/3"]

    asyncio.run(scenario())


SMUGGLED = {
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\nab",
    "a list of lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na",
    "a signed length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\na",
    "a folded line": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
    "a bare line feed": b"GET / HTTP/1.1\nHost: x\n\n",
    "a hidden line": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\nTransfer-Encoding: chunked\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\rX-B: 2\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a size that is none": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0x5\r\n",
    "a chunk that is longer": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabcdef\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_what_can_be_read_in_two_ways_is_refused(activator: Activator, case: str) -> None:
    async def scenario() -> bytes:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async with raw(silent) as one:
            activator.serve(activator.target(one.address))
            return await asyncio.to_thread(activators.exchange, activator.socket(), SMUGGLED[case])

    reply = asyncio.run(scenario())
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in reply
    assert b'"type":"bad-request"' in reply


def test_other_things_than_http_1_are_refused_by_name(activator: Activator) -> None:
    activator.serve(activator.target())
    cases = {
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n": b"505",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n": b"501",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n": b"501",
        b"GET / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n": b"417",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: %b" % (b"x" * (1 << 16)): b"431",
    }
    replies = {request: activators.exchange(activator.socket(), request) for request in cases}

    assert {request: reply[9:12] for request, reply in replies.items()} == cases


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_is_told(activator: Activator, answer: bytes) -> None:
    async def scenario() -> bytes:
        async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

        async with raw(odd) as one:
            activator.serve(activator.target(one.address))
            return await asyncio.to_thread(
                activators.exchange, activator.socket(),
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            )  # fmt: skip

    reply = asyncio.run(scenario())
    assert reply.startswith(b"HTTP/1.1 502 ")
    assert b'"type":"bad-response"' in reply
