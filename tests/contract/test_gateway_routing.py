"""Envoy, as configured: whose a request is, and which variant gets it."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter

import aiohttp
import pytest
from tests.support.gateway import Answer, Gateway, MakeServer, served, service
from tests.support.waiting import until

from dockyard.serving.gateway.model import Key, Served
from dockyard.serving.gateway.places import refused
from dockyard.serving.model import Auth, Match, Sticky, Variant

SOAK = bool(os.environ.get("DOCKYARD_SOAK"))
SPLIT_REQUESTS = 20_000 if SOAK else 2_000
CHI_SQUARE_BOUND = 10.83 if SOAK else 23.93
"""One degree of freedom: p is 0.001, and so small for all tests that none fails by chance."""


def test_a_service_gets_what_is_at_its_path_in_whole_segments(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    gateway.serve(served(gateway, service(gateway, path="/embed"), {"embed": [one.backend]}))
    answer = gateway.ask("/embed/x?y=z")
    assert (answer.status, answer.json["path"]) == (200, "/embed/x?y=z")
    assert gateway.ask("/embed").by == "one"
    assert gateway.ask("/embedding").status == 404


@pytest.mark.parametrize(
    ("asked", "seen"),
    [("/a+b/x?y=/a+b", "/x?y=/a+b"), ("/a+b", "/"), ("/a+b/", "/"), ("/a+b?x=1", "/?x=1")],
)
def test_a_prefix_is_taken_away(
    gateway: Gateway, server: MakeServer, asked: str, seen: str
) -> None:
    one = server("one")
    what = service(gateway, path="/a+b", route={"strip": True})
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))
    assert gateway.ask(asked).json["path"] == seen


def test_the_more_precise_route_wins_whatever_the_order(
    gateway: Gateway, server: MakeServer
) -> None:
    routes = {
        "root": {}, "path": {"path": "/api"}, "longer": {"path": "/api/v1"},
        "header": {"path": "/api", "header": {"x-tier": "gold"}},
        "wild": {"host": "*.example.com"}, "host": {"host": "a.example.com"},
    }  # fmt: skip
    gateway.serve(*(
        served(gateway, service(gateway, name=name, route=route), {name: [server(name).backend]})
        for name, route in routes.items()
    ))  # fmt: skip
    assert gateway.ask("/other").by == "root"
    assert gateway.ask("/api/v2").by == "path"
    assert gateway.ask("/api/v1/x").by == "longer"
    assert gateway.ask("/api/v2", headers={"x-tier": "gold"}).by == "header"
    assert gateway.ask("/api/v2", headers={"x-tier": "tin"}).by == "path"
    assert gateway.ask("/api", headers={"host": "A.example.com:80"}).by == "host"
    assert gateway.ask("/api", headers={"host": "b.c.example.com"}).by == "wild"
    assert gateway.ask("/api", headers={"host": "example.com"}).by == "path"


def test_nowhere_is_told_in_json(gateway: Gateway, server: MakeServer) -> None:
    gateway.serve(served(gateway, service(gateway, path="/a"), {}))
    answer = gateway.ask("/b")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["error"]["code"] == 404
    assert "dockyard services" in answer.json["error"]["message"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_variants_get_their_shares(gateway: Gateway, server: MakeServer) -> None:
    stable, canary = server("stable"), server("canary")
    what = service(gateway, Variant(name="embed", port=80), Variant(name="next", port=80))
    both = {"embed": [stable.backend], "next": [canary.backend]}
    gateway.serve(served(gateway, what, both, weights={"embed": 90, "next": 10}))
    got = asyncio.run(_tally(f"http://{gateway.listen}/", SPLIT_REQUESTS))
    expected = {"stable": SPLIT_REQUESTS * 0.9, "canary": SPLIT_REQUESTS * 0.1}
    chi = sum((got[name] - most) ** 2 / most for name, most in expected.items())
    assert sum(got.values()) == SPLIT_REQUESTS
    assert chi < CHI_SQUARE_BOUND, got


def test_a_variant_without_weight_gets_nothing_until_something_matches_it(
    gateway: Gateway, server: MakeServer
) -> None:
    stable, canary = server("stable"), server("canary")
    next_one = Variant(
        name="next", port=80, match=Match(header={"x-try": "yes"}, cookie={"beta": "1"})
    )
    what = service(gateway, Variant(name="embed", port=80), next_one)
    both = {"embed": [stable.backend], "next": [canary.backend]}
    gateway.serve(served(gateway, what, both, weights={"embed": 100, "next": 0}))
    assert {gateway.ask().by for _ in range(20)} == {"stable"}
    wanted = {"x-try": "yes", "cookie": "a=b; beta=1"}
    assert gateway.ask(headers=wanted).by == "canary"
    assert gateway.ask(headers={**wanted, "cookie": "beta=10"}).by == "stable"
    assert gateway.ask(headers={"cookie": "beta=1"}).by == "stable"


def test_a_client_stays_with_its_variant_over_changes_of_weight(
    gateway: Gateway, server: MakeServer
) -> None:
    stable, canary = server("stable"), server("canary")
    what = service(
        gateway, Variant(name="embed", port=80), Variant(name="next", port=80),
        sticky=Sticky(cookie="v%T"),
    )  # fmt: skip
    both = {"embed": [stable.backend], "next": [canary.backend]}
    gateway.serve(served(gateway, what, both, weights={"embed": 0, "next": 100}))
    first = gateway.ask()
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert (first.by, cookie) == ("canary", "v%T=next")
    gateway.serve(served(gateway, what, both, weights={"embed": 99, "next": 1}))
    mine = {gateway.ask(headers={"cookie": cookie}).by for _ in range(20)}
    assert mine == {"canary"}
    assert "set-cookie" not in gateway.ask(headers={"cookie": cookie}).headers
    gateway.serve(served(gateway, what, both, weights={"embed": 100, "next": 0}))
    back = gateway.ask(headers={"cookie": cookie})
    assert (back.by, back.headers["set-cookie"].partition(";")[0]) == ("stable", "v%T=embed")


def test_a_shadow_gets_each_request_once_and_never_answers(
    gateway: Gateway, server: MakeServer
) -> None:
    stable, shadow = server("stable"), server("shadow")
    what = service(
        gateway, Variant(name="embed", port=80), Variant(name="dark", port=80, shadow=True)
    )
    gateway.serve(served(gateway, what, {"embed": [stable.backend], "dark": [shadow.backend]}))
    requests = 200
    got = asyncio.run(_tally(f"http://{gateway.listen}/", requests))
    big = gateway.ask("/big", method="POST", body=bytes(3 << 20))
    assert got == {"stable": requests}
    assert (big.by, big.json["size"]) == ("stable", 3 << 20)
    until(lambda: len(shadow.seen) == requests + 1)
    assert len(stable.seen) == requests + 1
    assert {one.size for one in shadow.seen if one.path == "/big"} == {3 << 20}
    assert {one.headers["host"] for one in shadow.seen} == {gateway.listen}


def test_a_model_is_picked_by_the_path_and_by_the_body(
    gateway: Gateway, server: MakeServer
) -> None:
    models = ("bert", "org/llama", "org/llama-2")
    gateway.serve(*(
        served(
            gateway, service(gateway, name=name, path="/ai", route={"model": name, "strip": True}),
            {name: [server(name).backend]},
        )
        for name in models
    ))  # fmt: skip
    for name in models:
        answer = gateway.ask(f"/ai/v2/models/{name}/infer", method="POST", body=b"{}")
        assert (answer.by, answer.json["path"]) == (name, f"/v2/models/{name}/infer")
        assert gateway.ask(f"/ai/v2/models/{name}").by == name
        body = {"messages": ["x" * 2_000_000], "model": name}
        answer = _post(gateway, "/ai/v1/chat/completions", body)
        assert answer.status == 200, answer.body
        assert (answer.by, answer.json["path"]) == (name, "/v1/chat/completions")
        assert answer.json["size"] == len(json.dumps(body))
    unknown: list[object] = [{"model": "gpt"}, {"model": 7}, {}, []]
    for other in unknown:
        assert _post(gateway, "/ai/v1/chat/completions", other).status == 404
    assert gateway.ask("/ai/v1/x", method="POST", body=b"no json", headers=_JSON).status == 404
    assert gateway.ask("/ai/v2/models/gpt/infer", method="POST", body=b"{}").status == 404


def test_clients_learn_which_models_there_are(gateway: Gateway, server: MakeServer) -> None:
    def model(name: str, path: str, *keys: Key) -> Served:
        auth = Auth(keys="keys") if keys else None
        what = service(gateway, name=name, path=path, route={"model": name}, auth=auth)
        return served(gateway, what, {name: [server(name).backend]}, keys=keys)

    gateway.serve(
        model("bert", "/ai"), model("llama", "/ai"), model("mine", "/closed", Key("k1")),
        model("part", "/mixed"),
        served(gateway, service(gateway, name="rest", path="/mixed"), {
            "rest": [server("rest").backend],
        }),
    )  # fmt: skip
    answer = gateway.ask("/ai/v1/models")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert [one["id"] for one in answer.json["data"]] == ["bert", "llama"]
    assert gateway.ask("/ai/v2/models").json["models"] == ["bert", "llama"]
    assert gateway.ask("/ai/v2/models/bert").by == "bert"
    assert gateway.ask("/closed/v1/models").status == 401
    listed = gateway.ask("/closed/v1/models", headers={"x-api-key": "k1"})
    assert listed.json["models"] == ["mine"]
    assert gateway.ask("/mixed/v1/models").by == "rest", "it may know more"


def test_what_names_no_model_goes_on_to_the_less_precise_service(
    gateway: Gateway, server: MakeServer
) -> None:
    named = service(gateway, name="named", path="/ai", route={"model": "bert"})
    gateway.serve(
        served(gateway, named, {"named": [server("named").backend]}),
        served(gateway, service(gateway, name="rest"), {"rest": [server("rest").backend]}),
    )
    assert _post(gateway, "/ai/x", {"model": "bert"}).by == "named"
    assert _post(gateway, "/ai/x", {"model": "other"}).by == "rest"
    assert _post(gateway, "/x", {"model": "bert"}).by == "rest"
    assert gateway.ask("/ai/x").by == "rest"


def test_each_model_has_its_own_keys_and_may_have_none(
    gateway: Gateway, server: MakeServer
) -> None:
    def model(name: str, *keys: Key) -> None:
        what = service(
            gateway, name=name, route={"model": name}, auth=Auth(keys="keys") if keys else None
        )
        all_served.append(served(gateway, what, {name: [server(name).backend]}, keys=keys))

    all_served: list[Served] = []
    model("mine", Key("k1"))
    model("yours", Key("k2"))
    model("open")
    gateway.serve(*all_served)
    for name, allowed in {"mine": "k1", "yours": "k2"}.items():
        for key in ("k1", "k2", ""):
            status = 200 if key == allowed else 401
            answer = _post(gateway, "/v1/chat", {"model": name}, {"x-api-key": key})
            assert answer.status == status, (name, key)
            by_path = gateway.ask(f"/v2/models/{name}", headers={"x-api-key": key})
            assert by_path.status == status, (name, key)
    assert _post(gateway, "/v1/chat", {"model": "open"}).by == "open"
    assert gateway.ask("/v2/models/open").by == "open"
    assert _post(gateway, "/v1/chat", {"model": "none"}).status == 404


def test_a_route_that_is_taken_leaves_the_first_as_it_is(
    gateway: Gateway, server: MakeServer
) -> None:
    first, second = service(gateway, name="first"), service(gateway, name="second")
    third = service(gateway, name="third", path="/x")
    all_served = [
        served(gateway, one, {one.name: [server(one.name).backend]})
        for one in (first, second, third)
    ]
    gateway.serve(*all_served)
    assert gateway.ask().by == "first"
    assert gateway.ask("/x").by == "third"
    assert refused(all_served) == {
        ("shop", "second"): f"its route is the one of shop/first already: {gateway.listen} /"
    }


_JSON = {"content-type": "application/json; charset=utf-8"}


def _post(
    gateway: Gateway, path: str, body: object, headers: dict[str, str] | None = None
) -> Answer:
    more = {name: value for name, value in (headers or {}).items() if value}
    return gateway.ask(
        path, method="POST", body=json.dumps(body).encode(), headers={**_JSON, **more}
    )


async def _tally(url: str, requests: int) -> Counter[str]:
    """So many requests, some at a time; how many each server answered."""
    got: Counter[str] = Counter()

    async def client(session: aiohttp.ClientSession) -> None:
        while left:
            left.pop()
            async with session.get(url) as answer:
                got[(await answer.json())["by"]] += 1

    left = list(range(requests))
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(16)))
    return got
