"""What the gateway's log says of requests that waited, or were tried at several places."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web
from tests.support import activators
from tests.support.activators import Activator
from tests.support.backends import Server
from tests.support.gateway import Gateway, MakeServer, served, service
from tests.support.replicas import eventually, raw, replica

from dockyard.serving.controller.tally import Manner, Tally
from dockyard.serving.decide import rollout as deciding
from dockyard.serving.decide.model import Criteria, Traffic
from dockyard.serving.gateway.access_log import Reader
from dockyard.serving.gateway.model import Backend, Leg, Served, Upstream
from dockyard.serving.model import Variant

MARK = "x-dockyard-waited"


@pytest.fixture
def stand_in(gateway: Gateway) -> Iterator[Server]:
    """In the activator's place."""
    made = Server("activator")
    made.listen(gateway.socket("embed"))
    yield made
    made.close()


@pytest.fixture
def activator() -> Iterator[Activator]:
    with activators.started() as one:
        yield one


def test_how_long_a_request_waited_is_for_the_log_alone(gateway: Gateway, stand_in: Server) -> None:
    async def wait(request: web.Request) -> web.Response:
        fields = {MARK: request.query["waited"], "x-dockyard-error": "queue-full"}
        return web.Response(status=503, headers=fields)

    stand_in.behaviour = wait
    gateway.serve(served(gateway, service(gateway), {}))
    for waited in ("start", "37"):
        answer = gateway.ask(f"/?waited={waited}")
        assert answer.status == 503
        assert MARK not in answer.headers
        line = gateway.log_of(answer.headers["x-request-id"])
        assert (line.waited, line.error) == (waited, "queue-full")


def test_a_replica_that_breaks_off_is_named_though_another_one_answers(
    gateway: Gateway, server: MakeServer, stand_in: Server
) -> None:
    async def break_off(request: web.Request) -> None:
        assert request.transport is not None
        request.transport.close()

    one = server("one")
    gateway.serve(served(gateway, service(gateway, idempotent=True), {"embed": [one.backend]}))
    log = Reader(gateway.settings.access_log, from_end=True)
    first = gateway.ask()
    assert first.by == "one"
    one.behaviour = break_off
    answer = gateway.ask()
    assert (answer.status, answer.by) == (200, "activator")
    gateway.log_of(answer.headers["x-request-id"])
    ids = {each.headers["x-request-id"] for each in (first, answer)}
    lines = [line for line in log.read() if {line.id, line.try_of} & ids]  # not a test's before
    tries = [line for line in lines if line.try_of is not None]
    assert [(line.try_of, line.upstream) for line in tries] == [
        (answer.headers["x-request-id"], f"127.0.0.1:{one.backend.port}")
    ]
    tally = Tally(0.0, Manner(idempotent=True))
    tally.take(lines)
    assert (tally.traffic().requests, tally.traffic().errors) == (2, 1)


def test_a_version_that_breaks_connections_fails_though_clients_hardly_see_it(
    gateway: Gateway, activator: Activator
) -> None:
    """Every second request breaks, and is tried again: by the activator, at the same replica."""
    what = service(gateway, idempotent=True)
    legs = (Leg(variant="embed", weight=100),)
    log = Reader(gateway.settings.access_log, from_end=True)
    asked = 0

    async def every_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with contextlib.suppress(asyncio.IncompleteReadError):  # a probe
            await reader.readuntil(b"\r\n\r\n")
            asked += 1
            if asked % 2:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()

    async def scenario() -> list[int]:
        async with raw(every_second) as one:
            activator.serve(activator.target(one.address, idempotent=True))
            upstream = Upstream(
                id=activators.ID, activator=activator.socket(), backends=(Backend(*one.address),)
            )
            gateway.serve(Served(service=what, legs=legs, upstreams=(upstream,)))
            async with aiohttp.ClientSession(f"http://{gateway.listen}") as session:
                answers = [await session.get("/") for _ in range(40)]
        await asyncio.sleep(0.05)  # aiohttp closes its connections behind this
        await asyncio.to_thread(gateway.log_of, answers[-1].headers["x-request-id"])
        return [answer.status for answer in answers]

    assert asyncio.run(scenario()) == [200] * 40
    tally = Tally(0.0, Manner(idempotent=True))
    tally.take(log.read())
    canary = tally.traffic()
    begun = deciding.begin("shop", "web", "embed", {"web": 1, "embed": 0}, 0.0,
                           criteria=Criteria(requests=30))  # fmt: skip
    stable = Traffic(requests=400, latencies={float("inf"): 400})
    assert deciding.verdict(begun, canary, stable, 1.0).action == "rollback"


def test_a_start_is_told_from_a_queue(gateway: Gateway, activator: Activator) -> None:
    """The first request waits for the replica, the second one for the first to be over."""
    what = service(gateway, Variant(name="embed", port=80, concurrency=1))
    upstream = Upstream(id=activators.ID, activator=activator.socket())
    legs = (Leg(variant="embed", weight=100),)
    gateway.serve(Served(service=what, legs=legs, upstreams=(upstream,)))
    go = asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.Response:
        if request.path == "/first":
            await go.wait()
        return web.Response(text=request.path, headers={MARK: "start"})

    async def ask(session: aiohttp.ClientSession, path: str) -> str:
        async with session.get(path) as response:
            assert (response.status, MARK in response.headers) == (200, False)
            return response.headers["x-request-id"]

    async def scenario() -> list[str]:
        activator.serve(activator.target(concurrency=1, condition="starting"))
        async with aiohttp.ClientSession(f"http://{gateway.listen}") as session:
            asked = [asyncio.create_task(ask(session, "/first"))]
            await eventually(lambda: activator.figures().waiting == 1)
            async with replica(slow) as one:
                activator.serve(activator.target(one.address, concurrency=1))
                await eventually(lambda: one.active)
                asked.append(asyncio.create_task(ask(session, "/second")))
                await eventually(lambda: activator.figures().waiting == 1)
                go.set()
                ids = [await task for task in asked]
                ids.append(await ask(session, "/third"))
        await asyncio.sleep(0.05)  # aiohttp closes its connections behind this
        return ids

    waited = [gateway.log_of(each).waited for each in asyncio.run(scenario())]
    assert waited[0] == "start"
    assert (waited[1] or "").isdecimal()
    assert waited[2] is None, "the replica's own header is nobody's"


def test_a_service_that_was_stopped_is_told_from_one_that_fails(
    gateway: Gateway, activator: Activator
) -> None:
    upstream = Upstream(id=activators.ID, activator=activator.socket())
    legs = (Leg(variant="embed", weight=100),)
    gateway.serve(Served(service=service(gateway), legs=legs, upstreams=(upstream,)))
    activator.serve(activator.target(condition="stopped", reason="it was stopped"))
    answer = gateway.ask()
    assert (answer.status, answer.json["error"]["message"]) == (503, "it was stopped")
    assert gateway.log_of(answer.headers["x-request-id"]).error == "stopped"
