"""Gateway and activator together: what waits outlives the activator, unless its client has gone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from tests.support import activators, gateway
from tests.support.activators import Activator
from tests.support.gateway import Gateway
from tests.support.replicas import eventually, replica

from dockyard.serving.gateway.model import Leg, Served, Upstream
from dockyard.serving.model import Service


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway.running(Path(tmp_path_factory.mktemp("gateway"))) as one:
        yield one


@pytest.fixture
def activator() -> Iterator[Activator]:
    with activators.started() as one:
        yield one


def behind(envoy: Gateway, activator: Activator, what: Service) -> None:
    """Has the gateway send all requests to the activator, as for a service without replicas."""
    name = what.variants[0].name
    upstream = Upstream(id=activators.ID, activator=activator.socket())
    legs = (Leg(variant=name, weight=100),)
    envoy.serve(Served(service=what, legs=legs, upstreams=(upstream,)))


async def count_of(request: web.BaseRequest) -> web.Response:
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
    return web.Response(text=str(size))


def test_what_waits_outlives_the_activator(envoy: Gateway, activator: Activator) -> None:
    """The gateway has it still, and brings it to the next one."""
    sizes = [100] * 40 + [3 << 20] * 4

    async def scenario() -> None:
        behind(envoy, activator, gateway.service(envoy, idempotent=True, timeout=60))
        activator.serve(activator.target(condition="starting"))
        async with aiohttp.ClientSession(f"http://{envoy.listen}") as session:

            async def post(size: int) -> tuple[int, str]:
                async with session.post("/", data=io.BytesIO(b"x" * size)) as response:
                    return response.status, await response.text()

            asked = [asyncio.create_task(post(size)) for size in sizes]
            await eventually(lambda: activator.figures().waiting == len(sizes))
            await asyncio.to_thread(activator.kill)
            activator.start()
            await eventually(lambda: activator.figures().waiting == len(sizes))
            async with replica(count_of) as one:
                activator.serve(activator.target(one.address))
                assert [await task for task in asked] == [(200, str(size)) for size in sizes]
        await asyncio.sleep(0.05)  # aiohttp closes its connections behind this

    asyncio.run(scenario())


def test_a_client_that_leaves_the_gateway_leaves_the_queue(
    envoy: Gateway, activator: Activator
) -> None:
    async def scenario() -> None:
        behind(envoy, activator, gateway.service(envoy))
        activator.serve(activator.target(condition="starting"))
        async with aiohttp.ClientSession(f"http://{envoy.listen}") as session:
            asked = asyncio.create_task(session.get("/").__aenter__())
            await eventually(lambda: activator.figures().waiting == 1)
            asked.cancel()
            await eventually(lambda: activator.figures().waiting == 0)
        await asyncio.sleep(0.05)  # as above

    asyncio.run(scenario())


def test_refusals_reach_the_client_as_they_are(envoy: Gateway, activator: Activator) -> None:
    behind(envoy, activator, gateway.service(envoy))
    activator.serve(activator.target(condition="failed", reason="no such model", retry_after=7))

    answer = envoy.ask("/", method="POST", body=b"x")

    assert (answer.status, answer.json) == (
        503,
        {"error": {"code": 503, "type": "start-failed", "message": "no such model"}},
    )
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-dockyard-error"] == "start-failed"
