"""Envoy, as configured: what it does where replicas or the activator aren't there."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from aiohttp import web
from tests.support.backends import Server
from tests.support.gateway import PROJECT, Gateway, MakeServer, running, served, service
from tests.support.waiting import until

from dockyard.serving.gateway import clusters
from dockyard.serving.model import Queue, Variant, target_id

BODY = bytes(3 << 20)


@pytest.fixture
def activator(gateway: Gateway) -> Iterator[Server]:
    """Where requests go that no replica can take."""
    made = Server("activator")
    made.listen(gateway.socket("embed"))
    yield made
    made.close()


async def _break_off(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.close()


def test_all_goes_to_the_activator_while_there_is_no_replica(
    gateway: Gateway, server: MakeServer, activator: Server
) -> None:
    what = service(gateway)
    gateway.serve(served(gateway, what, {}))
    answer = gateway.ask("/x", method="POST", body=BODY)
    assert (answer.by, answer.json["size"]) == ("activator", len(BODY))
    assert gateway.log_of(answer.headers["x-request-id"]).held
    gateway.serve(served(gateway, what, {"embed": [server("one").backend]}))
    answer = gateway.ask("/x")
    assert answer.by == "one"
    assert not gateway.log_of(answer.headers["x-request-id"]).held


def test_a_replica_that_is_gone_costs_no_request_whatever_its_body(
    gateway: Gateway, server: MakeServer, activator: Server
) -> None:
    one = server("one")
    gateway.serve(served(gateway, service(gateway), {"embed": [one.backend]}))
    assert gateway.ask(method="POST", body=BODY).by == "one"
    one.stop()
    answer = gateway.ask(method="POST", body=BODY)
    assert (answer.status, answer.by, answer.json["size"]) == (200, "activator", len(BODY))


def test_a_body_beyond_the_limit_passes(gateway: Gateway, server: MakeServer) -> None:
    one = server("one")
    what = service(gateway, max_body=1 << 20)
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))
    answer = gateway.ask(method="POST", body=BODY)
    assert (answer.status, answer.json["size"]) == (200, len(BODY))


@pytest.mark.parametrize("idempotent", [False, True])
def test_what_a_replica_may_have_begun_is_tried_again_only_where_that_is_allowed(
    gateway: Gateway, server: MakeServer, activator: Server, idempotent: bool
) -> None:
    one = server("one")
    one.behaviour = _break_off
    what = service(gateway, idempotent=idempotent)
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))
    answer = gateway.ask(method="POST", body=BODY)
    assert len(one.seen) == 1
    assert len(activator.seen) == (1 if idempotent else 0)
    assert answer.status == (200 if idempotent else 503)


def test_a_body_beyond_the_limit_is_not_tried_again_although_the_route_is_idempotent(
    gateway: Gateway, server: MakeServer, activator: Server
) -> None:
    """The gateway hasn't kept it; a smaller one of the same client is brought to the next."""
    one = server("one")
    one.behaviour = _break_off
    what = service(gateway, idempotent=True, max_body=1 << 20)
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))
    answer = gateway.ask(method="POST", body=BODY)
    assert answer.status == 503
    assert [each.size for each in one.seen] == [len(BODY)]
    assert activator.seen == []
    assert gateway.ask(method="POST", body=bytes(1 << 19)).by == "activator"


def test_a_client_cannot_ask_for_more_tries_or_another_time_limit(
    gateway: Gateway, server: MakeServer, activator: Server
) -> None:
    one = server("one")

    async def fail(request: web.Request) -> web.Response:
        return web.Response(status=500)

    one.behaviour = fail
    gateway.serve(served(gateway, service(gateway), {"embed": [one.backend]}))
    headers = {
        "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "5",
        "x-envoy-upstream-rq-timeout-ms": "1",
    }  # fmt: skip
    assert gateway.ask(headers=headers).status == 500
    assert (len(one.seen), len(activator.seen)) == (1, 0)


def test_a_request_outlives_the_activators_restart(gateway: Gateway, activator: Server) -> None:
    gateway.serve(served(gateway, service(gateway), {}))
    assert gateway.ask().by == "activator"
    activator.stop()
    back = threading.Timer(0.1, lambda: activator.listen(gateway.socket("embed")))
    back.start()
    assert gateway.ask(method="POST", body=BODY).by == "activator"
    back.join()


def test_a_time_limit_ends_a_request_and_none_does_not(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    go_on = threading.Event()

    async def wait(request: web.Request) -> None:
        while request.path == "/slow" and not go_on.is_set():
            await asyncio.sleep(0.01)

    one.behaviour = wait
    gateway.serve(served(gateway, service(gateway, timeout=0.3), {"embed": [one.backend]}))
    assert gateway.ask("/slow").status == 504
    gateway.serve(served(gateway, service(gateway, timeout=0.0), {"embed": [one.backend]}))
    threading.Timer(0.6, go_on.set).start()
    assert gateway.ask("/slow").status == 200


def test_replicas_come_and_go_under_load_without_a_failed_request(
    gateway: Gateway, server: MakeServer, activator: Server
) -> None:
    one, two = server("one"), server("two")
    what = service(gateway, Variant(name="embed", port=80), Variant(name="next", port=80))
    gateway.serve(served(gateway, what, {"embed": [one.backend], "next": [two.backend]}))
    stop = threading.Event()
    got: Counter[object] = Counter()
    load = threading.Thread(target=lambda: asyncio.run(_load(gateway, stop, got)))
    load.start()
    for turn in range(8):
        for backends in ([one.backend, two.backend], [], [two.backend], [one.backend]):
            shares = {"embed": 100 - turn, "next": turn}
            gateway.serve(served(
                gateway, what, {"embed": backends, "next": [two.backend]}, weights=shares
            ))  # fmt: skip
    only = service(gateway)
    gateway.serve(served(gateway, only, {"embed": [one.backend]}))
    gateway.serve(served(gateway, what, {"embed": [one.backend], "next": [two.backend]}))
    stop.set()
    load.join()
    assert got["failed"] == 0, got
    assert {"one", "two", "activator"} <= got.keys(), got


def test_a_replica_that_only_fails_is_spared_and_the_others_are_not(
    gateway: Gateway, server: MakeServer, activator: Server
) -> None:
    good, bad = server("good"), server("bad")

    async def fail(request: web.Request) -> web.Response:
        return web.Response(status=500)

    bad.behaviour = fail
    gateway.serve(served(gateway, service(gateway), {"embed": [good.backend, bad.backend]}))
    deadline = time.monotonic() + 20
    while [gateway.ask().status for _ in range(12)] != [200] * 12:
        assert time.monotonic() < deadline
    good.behaviour = fail
    assert until(lambda: gateway.ask().status == 500) is True
    assert gateway.ask().status == 500, "the last ones are used although they fail"


def test_one_service_that_hangs_takes_no_more_than_its_share(
    gateway: Gateway, server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_MOST_REQUESTS", 2)
    good, bad, go_on = server("good"), server("bad"), threading.Event()

    async def hang(request: web.Request) -> web.Response:
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        return web.Response(text="late")

    bad.behaviour = hang
    hanging = service(gateway, name="bad", path="/bad", queue=Queue(max=0))
    gateway.serve(
        served(gateway, hanging, {"bad": [bad.backend]}),
        served(gateway, service(gateway, name="good", path="/good"), {"good": [good.backend]}),
    )
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(gateway.ask, "/bad") for _ in range(2)]
        until(lambda: gateway.admin.figures()[target_id(PROJECT, "bad")].active == 2)
        refused = gateway.ask("/bad")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.json["error"]["message"] == "the service has too many requests at a time"
        assert {gateway.ask("/good").by for _ in range(5)} == {"good"}
        go_on.set()
        assert {each.result().status for each in asked} == {200}


def test_a_gateway_whose_memory_is_used_up_refuses_new_requests(
    server: MakeServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one = server("one")
    with running(tmp_path_factory.mktemp("full"), heap=1 << 20) as full:
        full.serve(served(full, service(full), {"embed": [one.backend]}))
        until(lambda: full.ask().status == 503)
        assert full.ask().json["error"]["message"] == "envoy overloaded"
        assert full.admin.ready()


async def _load(gateway: Gateway, stop: threading.Event, got: Counter[object]) -> None:
    async def client(session: aiohttp.ClientSession, body: bytes) -> None:
        while not stop.is_set():
            async with session.post(f"http://{gateway.listen}/", data=io.BytesIO(body)) as answer:
                text = await answer.text()
                got["failed" if answer.status != 200 else (await answer.json())["by"]] += 1
                if answer.status != 200:
                    got[text] += 1

    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        bodies = [b"", b"", b"", b"", b"small", BODY]
        await asyncio.gather(*(client(session, body) for body in bodies))
