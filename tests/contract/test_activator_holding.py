"""The activator holds requests until a replica has room, in the order in which they came."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web
from tests.support import activators
from tests.support.activators import Activator
from tests.support.replicas import eventually, free_port, raw, replica


@pytest.fixture(scope="module")
def process() -> Iterator[Activator]:
    with activators.started() as one:
        yield one


@pytest.fixture
def activator(process: Activator) -> Iterator[Activator]:
    yield process
    process.rest()


async def fetch(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path) as response:
        return response.status, await response.text()


async def many(activator: Activator, count: int) -> list[tuple[int, str]]:
    async with activators.client(activator) as session:
        return await asyncio.gather(*(fetch(session, f"/{number}") for number in range(count)))


def test_200_requests_wait_for_a_replica_and_all_are_answered(activator: Activator) -> None:
    async def scenario() -> None:
        port = free_port()
        starting = [{"address": "127.0.0.1", "port": port}]
        activator.serve(activator.target(queue=200, condition="starting", probing=starting))
        asked = asyncio.create_task(many(activator, 200))
        await eventually(lambda: activator.figures().waiting == 200)
        assert activator.poked()

        async with replica(port=port):
            assert await asked == [(200, f"/{number}") for number in range(200)]

        figures = activator.figures()
        assert (figures.total, figures.held, figures.cold) == (200, 200, 200)
        assert (figures.waiting, figures.active, figures.failed) == (0, 0, 0)
        assert [one.port for one in figures.ready] == [port]

    asyncio.run(scenario())


def test_a_burst_does_not_drown_a_replica_that_just_began(activator: Activator) -> None:
    """Its port has room for few connections; one that is lost comes again a second later."""

    async def scenario() -> None:
        port = free_port()
        starting = [{"address": "127.0.0.1", "port": port}]
        activator.serve(activator.target(queue=500, probing=starting, timeout=20))
        asked = asyncio.create_task(many(activator, 500))
        await eventually(lambda: activator.figures().waiting == 500)

        async with replica(port=port, backlog=2):
            assert {status for status, _ in await asked} == {200}

    asyncio.run(scenario())


def test_a_replica_is_ready_once_its_path_says_so(activator: Activator) -> None:
    async def scenario() -> None:
        loaded = False

        async def answer(request: web.BaseRequest) -> web.Response:
            if request.path == "/healthz":
                return web.Response(status=200 if loaded else 503)
            return web.Response(text="done")

        async with replica(answer) as one:
            probing = [{"address": "127.0.0.1", "port": one.port}]
            activator.serve(activator.target(probing=probing, ready_path="/healthz"))
            asked = asyncio.create_task(many(activator, 1))
            await eventually(lambda: one.seen.count("/healthz") > 3)
            assert activator.figures().waiting == 1
            assert activator.figures().ready == ()

            loaded = True
            assert await asked == [(200, "done")]
            assert one.seen[-2:] == ["/healthz", "/0"], "it was probed no more"

    asyncio.run(scenario())


def test_a_replica_never_gets_more_than_it_may(activator: Activator) -> None:
    async def slow(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(0.005)
        return web.Response(text=request.path)

    async def scenario() -> None:
        async with replica(slow) as one, replica(slow) as other:
            target = activator.target(one.address, other.address, concurrency=3, queue=200)
            activator.serve(target)

            answers = await many(activator, 150)

            assert answers == [(200, f"/{number}") for number in range(150)]
            assert (one.most, other.most) == (3, 3)
            assert len(one.seen) > 50 < len(other.seen), "both did their share"

    asyncio.run(scenario())


def test_who_came_first_is_served_first(activator: Activator) -> None:
    async def scenario() -> None:
        go = asyncio.Event()

        async def answer(request: web.BaseRequest) -> web.Response:
            await go.wait()
            return web.Response()

        async with replica(answer) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address, concurrency=1))
            asked = []
            for number in range(20):
                asked.append(asyncio.create_task(fetch(session, f"/{number}")))
                await eventually(lambda: activator.figures().total == len(asked))
            go.set()
            await asyncio.gather(*asked)

            assert one.seen == [f"/{number}" for number in range(20)]
            assert one.most == 1

    asyncio.run(scenario())


def test_more_than_may_wait_are_told_when_to_come_again(activator: Activator) -> None:
    async def scenario() -> None:
        activator.serve(activator.target(queue=5, condition="starting", retry_after=2.5))
        asked = asyncio.create_task(many(activator, 5))
        await eventually(lambda: activator.figures().waiting == 5)

        async with activators.client(activator) as session, session.post("/", data=b"x") as sixth:
            assert sixth.status == 503
            assert sixth.headers["Retry-After"] == "3"
            assert sixth.headers["X-Dockyard-Error"] == "queue-full"
            assert (await sixth.json())["error"]["message"] == "5 requests wait already"
        assert activator.figures().overflowed == 1

        async with replica() as one:
            activator.serve(activator.target(one.address, queue=5))
            assert {status for status, _ in await asked} == {200}

    asyncio.run(scenario())


def test_who_waits_is_told_at_once_that_the_start_failed(activator: Activator) -> None:
    async def scenario() -> None:
        activator.serve(activator.target(condition="starting"))
        asked = asyncio.create_task(many(activator, 10))
        await eventually(lambda: activator.figures().waiting == 10)

        activator.serve(activator.target(condition="failed", reason="exit code 3: no such model"))

        reason = "exit code 3: no such model"
        expected = {"error": {"code": 503, "type": "start-failed", "message": reason}}
        for status, text in await asked:
            assert (status, json.loads(text)) == (503, expected)
        assert [status for status, _ in await many(activator, 1)] == [503], "later ones too"
        assert activator.figures().failed == 11

    asyncio.run(scenario())


def test_a_failed_start_is_nothing_to_those_whom_a_replica_serves(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica() as one:
            activator.serve(activator.target(one.address, condition="failed", concurrency=1))

            assert {status for status, _ in await many(activator, 5)} == {200}

    asyncio.run(scenario())


def test_a_request_waits_no_longer_than_it_may(activator: Activator) -> None:
    async def scenario() -> None:
        activator.serve(activator.target(condition="starting", timeout=0.2))

        [(status, text)] = await many(activator, 1)

        assert (status, json.loads(text)["error"]["type"]) == (504, "timeout")
        assert activator.figures().waiting == 0

    asyncio.run(scenario())


def test_a_replica_that_answers_too_late_keeps_its_place_until_it_is_done(
    activator: Activator,
) -> None:
    """Else it would work on two requests where it may have one."""

    async def scenario() -> None:
        done = asyncio.Event()

        async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Doesn't look whether somebody still waits."""
            await reader.readuntil(b"\r\n\r\n")
            await done.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

        async with raw(busy) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address, concurrency=1, timeout=1))
            assert (await fetch(session, "/"))[0] == 504
            activator.serve(activator.target(one.address, concurrency=1, timeout=30))
            asked = asyncio.create_task(fetch(session, "/"))
            await eventually(lambda: activator.figures().waiting == 1)
            assert activator.figures().active == 1
            assert len(one.seen) == 1

            done.set()
            assert await asked == (200, "ok")

    asyncio.run(scenario())


@pytest.mark.parametrize("body", [b"", b"x" * (2 << 20)], ids=["without", "with-a-large-body"])
def test_a_client_that_goes_leaves_the_queue(activator: Activator, body: bytes) -> None:
    """Also while nothing is read from it, for it sent more than is kept."""
    activator.serve(activator.target(condition="starting", max_body=1 << 20, queue=1))

    async def scenario() -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(one, activator.socket())
            head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            await loop.sock_sendall(one, head.encode())
            sending = asyncio.create_task(loop.sock_sendall(one, body))
            await eventually(lambda: activator.figures().waiting == 1)
            await asyncio.sleep(0.1)  # it reads as much as it will
            assert sending.done() == (not body), "the rest stays with the client"
            sending.cancel()
        await eventually(lambda: activator.figures().waiting == 0)

        async with replica() as replacement:
            activator.serve(activator.target(replacement.address, queue=1))
            assert await many(activator, 1) == [(200, "/0")]
            assert replacement.seen == ["/0"]

    asyncio.run(scenario())


def test_a_replica_hears_that_nobody_waits_for_its_answer(activator: Activator) -> None:
    async def scenario() -> None:
        begun, heard = asyncio.Event(), asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            begun.set()
            assert await reader.read() == b""
            heard.set()

        async with raw(slow) as one:
            activator.serve(activator.target(one.address, concurrency=1))
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(activator.socket())
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await asyncio.wait_for(begun.wait(), 10)
            await asyncio.wait_for(heard.wait(), 10)
            await eventually(lambda: activator.figures().active == 0)

    asyncio.run(scenario())


def test_it_wakes_the_controller_for_each_that_comes_to_wait(activator: Activator) -> None:
    async def scenario() -> None:
        activator.serve(activator.target(condition="starting"))
        async with activators.client(activator) as session:
            asked = []
            for number in range(3):
                assert not activator.poked()
                asked.append(asyncio.create_task(fetch(session, f"/{number}")))
                await eventually(activator.poked)
                await asyncio.sleep(0.02)
            for task in asked:
                task.cancel()

    asyncio.run(scenario())


def test_it_ends_well_though_something_waits(activator: Activator) -> None:
    """What is held gets the replica that comes while it ends."""

    async def scenario() -> None:
        activator.serve(activator.target(condition="starting"))
        asked = asyncio.create_task(many(activator, 5))
        await eventually(lambda: activator.figures().waiting == 5)
        activator.signal(signal.SIGTERM)

        async with replica() as one:
            activator.write(activator.target(one.address))
            assert {status for status, _ in await asked} == {200}
        assert await asyncio.to_thread(activator.wait) == 0

    asyncio.run(scenario())
