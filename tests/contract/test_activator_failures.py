"""What goes away under the activator, and it itself: what is tried again, and what isn't."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from tests.support import activators
from tests.support.activators import ID, Activator
from tests.support.replicas import Raw, eventually, free_port, raw, replica


@pytest.fixture(scope="module")
def process() -> Iterator[Activator]:
    with activators.started() as one:
        yield one


@pytest.fixture
def activator(process: Activator) -> Iterator[Activator]:
    yield process
    process.rest()


Post = Callable[[aiohttp.ClientSession], Coroutine[Any, Any, tuple[int, str]]]


def post(body: bytes = b"x" * 1000, path: str = "/") -> Post:
    async def send(session: aiohttp.ClientSession) -> tuple[int, str]:
        async with session.post(path, data=io.BytesIO(body)) as response:
            return response.status, await response.text()

    return send


async def count_of(request: web.BaseRequest) -> web.Response:
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
    return web.Response(text=str(size))


def dying(after: int, go: asyncio.Event | None = None) -> Raw:
    """A replica that goes away once it has read so many bytes of a request, and it may go."""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(after)
        if go is not None:
            await go.wait()
        writer.transport.abort()

    return die


def test_a_dead_replica_costs_nobody_anything(activator: Activator) -> None:
    """No connection, no request: any request may go elsewhere, of whatever size."""

    async def scenario() -> None:
        async with replica(count_of) as living, activators.client(activator) as session:
            dead = [("127.0.0.1", free_port()) for _ in range(3)]
            activator.serve(activator.target(*dead, living.address, max_body=1000))
            answers = await asyncio.gather(*(post(b"x" * 100_000)(session) for _ in range(20)))

            assert answers == [(200, "100000")] * 20

    asyncio.run(scenario())


def test_a_request_waits_where_its_only_replica_is_dead(activator: Activator) -> None:
    """It isn't refused: another one, or the same again, may come any moment."""

    async def scenario() -> None:
        port = free_port()
        async with activators.client(activator) as session:
            activator.serve(activator.target(("127.0.0.1", port), concurrency=1))
            asked = asyncio.create_task(post()(session))
            await eventually(lambda: activator.figures().waiting == 1)
            await eventually(activator.poked)

            async with replica(count_of, port=port):
                assert await asked == (200, "1000")

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [1000, 3 << 20])
def test_an_idempotent_request_survives_its_replica(activator: Activator, size: int) -> None:
    async def scenario() -> None:
        go = asyncio.Event()
        async with (
            raw(dying(size // 2, go)) as weak, replica(count_of) as strong,
            activators.client(activator) as session,
        ):  # fmt: skip
            activator.serve(activator.target(weak.address, concurrency=1, idempotent=True))
            asked = asyncio.create_task(post(b"x" * size)(session))
            await eventually(lambda: weak.seen)
            activator.serve(activator.target(strong.address, concurrency=1, idempotent=True))
            go.set()

            assert await asked == (200, str(size))
            assert len(strong.seen) == 1

    asyncio.run(scenario())


def test_what_a_replica_may_have_begun_is_not_done_twice(activator: Activator) -> None:
    async def scenario() -> None:
        go = asyncio.Event()
        async with (
            raw(dying(500, go)) as weak, replica(count_of) as strong,
            activators.client(activator) as session,
        ):  # fmt: skip
            activator.serve(activator.target(weak.address))
            asked = asyncio.create_task(post()(session))
            await eventually(lambda: weak.seen)
            activator.serve(activator.target(strong.address))
            go.set()
            status, text = await asked

            assert (status, json.loads(text)["error"]["type"]) == (502, "replica-gone")
            assert strong.seen == []
            assert await post()(session) == (200, "1000"), "the connection goes on"

    asyncio.run(scenario())


def test_what_is_too_large_to_be_kept_is_not_sent_twice(activator: Activator) -> None:
    async def scenario() -> None:
        go = asyncio.Event()
        async with (
            raw(dying(1 << 20, go)) as weak, replica(count_of) as strong,
            activators.client(activator) as session,
        ):  # fmt: skip
            fields: dict[str, Any] = {"idempotent": True, "max_body": 100_000}
            activator.serve(activator.target(weak.address, **fields))
            asked = asyncio.create_task(post(b"x" * (3 << 20))(session))
            await eventually(lambda: weak.seen)
            activator.serve(activator.target(strong.address, **fields))
            go.set()
            status, text = await asked

            assert (status, json.loads(text)["error"]["type"]) == (502, "replica-gone")
            assert strong.seen == []

    asyncio.run(scenario())


def test_a_request_that_ends_replicas_does_not_end_them_all(activator: Activator) -> None:
    async def scenario() -> None:
        async with raw(dying(500)) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address, idempotent=True))
            status, _ = await post()(session)

            assert status == 502
            tries = [seen for seen in one.seen if seen == "connection"]
            assert len(tries) < 10, "probes are among them"

    asyncio.run(scenario())


def test_an_answer_that_breaks_off_breaks_off_for_the_client(activator: Activator) -> None:
    """It must not look complete, and is not begun again."""

    async def scenario() -> None:
        async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            await writer.drain()

        async with raw(half) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address, idempotent=True))
            async with session.get("/") as response:
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.read()
        assert len(one.seen) == 1

    asyncio.run(scenario())


def test_a_connection_that_the_replica_closed_is_not_used_again(activator: Activator) -> None:
    async def scenario() -> None:
        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # and closes unsaid
            await writer.drain()

        async with raw(once) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            for _ in range(20):
                assert await post(b"")(session) == (200, "ok")
            assert len(one.seen) == 20

    asyncio.run(scenario())


def test_replicas_come_and_go_under_load_and_nobody_notices(activator: Activator) -> None:
    """What a replica works on when it leaves the list is finished there."""

    async def slow(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(0.01)
        return await count_of(request)

    async def scenario() -> None:
        stop = False
        statuses: list[tuple[int, str]] = []

        async def ask(session: aiohttp.ClientSession) -> None:
            while not stop:
                statuses.append(await post()(session))

        async with (
            replica(slow) as one, replica(slow) as other, activators.client(activator) as session,
        ):  # fmt: skip
            activator.serve(activator.target(one.address, concurrency=2))
            asked = [asyncio.create_task(ask(session)) for _ in range(10)]
            rounds = itertools.count()
            while min(len(one.seen), len(other.seen)) < 30:
                round_ = next(rounds)
                living = (one, other)[round_ % 2]
                both = (one.address, other.address) if round_ % 3 == 0 else (living.address,)
                others = [activator.target(name=f"shop.n{n}") for n in range(round_ % 4)]
                activator.write(activator.target(*both, concurrency=2), *others)
                await asyncio.sleep(0.02)
            stop = True
            await asyncio.gather(*asked)

            assert set(statuses) == {(200, "1000")}
            assert one.most == other.most == 2

    asyncio.run(scenario())


def test_killed_and_started_again_it_serves_at_the_same_place(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica(count_of) as one:
            activator.serve(activator.target(one.address))
            for _ in range(2):
                async with activators.client(activator) as session:
                    assert await post()(session) == (200, "1000")
                await asyncio.to_thread(activator.kill)
                assert os.path.exists(activator.socket()), "it is in the way of the next one"
                activator.start()
                await eventually(lambda: activator.stats().pid == activator.pid)
            async with activators.client(activator) as session:
                assert await post()(session) == (200, "1000")

    asyncio.run(scenario())


def test_told_to_stop_it_finishes_what_is_active(activator: Activator) -> None:
    async def scenario() -> None:
        go = asyncio.Event()

        async def wait(request: web.BaseRequest) -> web.Response:
            await go.wait()
            return await count_of(request)

        async with replica(wait) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            asked = asyncio.create_task(post()(session))
            await eventually(lambda: one.active)
            activator.signal(signal.SIGTERM)
            await eventually(lambda: activator.stats().pid == 0)
            go.set()

            assert await asked == (200, "1000")
            assert await asyncio.to_thread(activator.wait) == 0

    asyncio.run(scenario())


def test_a_removed_service_finishes_what_it_has_and_takes_its_socket_along(
    activator: Activator,
) -> None:
    async def scenario() -> None:
        go = asyncio.Event()

        async def wait(request: web.BaseRequest) -> web.Response:
            await go.wait()
            return await count_of(request)

        async with replica(wait) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address, concurrency=1))
            asked = [asyncio.create_task(post()(session)) for _ in range(3)]
            await eventually(lambda: activator.figures().waiting == 2)
            activator.serve()
            assert not Path(activator.socket()).exists()
            assert ID not in activator.stats().targets
            go.set()

            assert [await one for one in asked] == [(200, "1000")] * 3

    asyncio.run(scenario())


def test_a_service_that_moves_is_served_at_its_new_place_alone(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica(count_of) as one:
            activator.serve(activator.target(one.address))
            elsewhere = activator.socket("elsewhere")
            activator.serve(activator.target(one.address, socket=elsewhere))

            reply = await asyncio.to_thread(
                activators.exchange, elsewhere,
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
            )  # fmt: skip
            assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
            assert not Path(activator.socket()).exists()

    asyncio.run(scenario())


def test_nonsense_in_the_file_changes_nothing(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica(count_of) as one, activators.client(activator) as session:
            activator.serve(activator.target(one.address))
            Path(f"{activator.path}.new").write_text('{"wake": 1}')
            os.rename(f"{activator.path}.new", activator.path)
            await asyncio.sleep(0.1)
            assert await post()(session) == (200, "1000")
            assert activator.stats().version == activator.version

            activator.serve(activator.target(one.address, concurrency=1))
            assert await post()(session) == (200, "1000")

    asyncio.run(scenario())
    assert activator.complaints() == f"{activator.path}: Expected `str`, got `int` - at `$.wake`\n"


def test_a_socket_that_cannot_be_made_is_nothing_to_the_others(activator: Activator) -> None:
    async def scenario() -> None:
        async with replica(count_of) as one, activators.client(activator) as session:
            lost = f"{activator.directory}/not/there.sock"
            activator.serve(
                activator.target(name="shop.lost", socket=lost), activator.target(one.address)
            )
            assert await post()(session) == (200, "1000")

            os.mkdir(os.path.dirname(lost))
            await eventually(lambda: os.path.exists(lost))

    asyncio.run(scenario())
    assert "shop.lost" in activator.complaints()


def test_the_admin_socket_tells_figures_and_targets(activator: Activator) -> None:
    activator.serve(activator.target(("127.0.0.1", 1)))

    status, body = activator.admin("/targets")

    assert (status, msgspec.json.decode(body)["version"]) == (200, activator.version)
    assert activator.admin("/stats")[0] == 200
    assert activator.admin("/nothing")[0] == 404
    assert activator.admin("/stats", "POST")[0] == 405
    assert activator.stats().pid == activator.pid
