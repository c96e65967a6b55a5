"""Services into Envoy's documents."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dockyard.serving.gateway import clusters, config, places, policies
from dockyard.serving.gateway.documents import parse
from dockyard.serving.gateway.model import Backend, Key, Leg, Served, Settings, Upstream
from dockyard.serving.model import (
    Auth,
    Match,
    RateLimit,
    Route,
    Service,
    Sticky,
    Tls,
    Variant,
    target_id,
)

SETTINGS = Settings(directory="/d", admin="/d/admin", access_log="/d/log")
LISTEN = "0.0.0.0:80"


def served(name: str = "embed", *variants: Variant, **more: Any) -> Served:
    """A service of project ``shop``, each variant with one replica."""
    backends = more.pop("backends", (Backend("10.0.0.2", 80),))
    route = Route(**{"listen": LISTEN, **more.pop("route", {})})
    weights, keys = more.pop("weights", {}), more.pop("keys", ())
    variants = variants or (Variant(name=name, port=80),)
    return Served(
        service=Service(project="shop", name=name, route=route, variants=variants, **more),
        legs=tuple(
            Leg(variant=one.name, weight=weights.get(one.name, one.weight))
            for one in variants if not one.shadow
        ),
        upstreams=tuple(
            Upstream(id=target_id("shop", one.name), activator=f"/s/{one.name}", backends=backends)
            for one in variants
        ),
        keys=keys,
    )  # fmt: skip


def routes(*all_served: Served) -> list[Any]:
    """The routes of the one listener, but the last, which is for what is nobody's."""
    (table,) = config.files(all_served, SETTINGS).routes.values()
    (found,) = msgspec.json.decode(table)["resources"]
    return list(found["virtual_hosts"][0]["routes"][:-1])


def cluster(one: Served) -> Any:
    (found,) = msgspec.json.decode(config.files([one], SETTINGS).clusters)["resources"]
    return found


def test_replicas_come_first_and_the_activator_behind_them() -> None:
    first, second = cluster(served())["load_assignment"]["endpoints"]
    address = {"socket_address": {"address": "10.0.0.2", "port_value": 80}}
    assert first == {"priority": 0, "lb_endpoints": [{"endpoint": {"address": address}}]}
    assert second["priority"] == 1
    assert second["lb_endpoints"] == [{"endpoint": {"address": {"pipe": {"path": "/s/embed"}}}}]


def test_all_clusters_are_in_one_document_and_the_order_of_replicas_says_nothing() -> None:
    one = served(backends=(Backend("10.0.0.3", 80), Backend("10.0.0.2", 80)))
    two = served(backends=(Backend("10.0.0.2", 80), Backend("10.0.0.3", 80)))
    assert config.files([one], SETTINGS) == config.files([two], SETTINGS)


def test_a_replica_more_changes_the_clusters_alone() -> None:
    one = config.files([served()], SETTINGS)
    two = config.files([served(backends=())], SETTINGS)
    assert (one.routes, one.listeners) == (two.routes, two.listeners)
    assert parse(one.clusters).version_info != parse(two.clusters).version_info


def test_weights_change_the_routes_alone() -> None:
    variants = (Variant(name="embed", port=80), Variant(name="next", port=80, weight=10))
    one = config.files([served("embed", *variants)], SETTINGS)
    two = config.files([served("embed", *variants, weights={"next": 20})], SETTINGS)
    assert (one.clusters, one.listeners) == (two.clusters, two.listeners)
    assert one.routes != two.routes


def test_who_has_no_weight_yet_is_served_all_the_same() -> None:
    variants = (Variant(name="embed", port=80), Variant(name="next", port=80))
    (route,) = routes(served("embed", *variants, weights={"embed": 0, "next": 0}))
    assert route["route"]["cluster"] == "shop.embed"


@pytest.mark.parametrize(
    ("keep_alive", "kept"), [(5.0, 4.0), (75.0, 74.0), (1.0, 0.5), (0.5, 0.25)]
)
def test_idle_connections_are_closed_before_the_server_does(keep_alive: float, kept: float) -> None:
    assert clusters.idle_seconds(keep_alive) == kept


def test_a_server_without_keep_alive_gets_a_connection_for_each_request() -> None:
    options = cluster(served("embed", Variant(name="embed", port=80, keep_alive=0.0)))
    (protocol,) = options["typed_extension_protocol_options"].values()
    assert protocol["common_http_protocol_options"] == {"max_requests_per_connection": 1}


def test_what_matches_comes_before_cookies_and_cookies_before_shares() -> None:
    variants = (
        Variant(name="embed", port=80),
        Variant(name="next", port=80, match=Match(header={"x": "1"})),
    )
    found = routes(served("embed", *variants, sticky=Sticky(cookie="v")))
    assert [sorted(one["match"]) for one in found] == [
        ["headers", "prefix"], ["cookies", "headers", "prefix"],
        ["cookies", "headers", "prefix"], ["prefix"],
    ]  # fmt: skip
    assert [one["route"].get("cluster") for one in found] == [
        "shop.next", "shop.embed", "shop.next", None,
    ]  # fmt: skip


def test_a_shadow_mirrors_on_every_route_and_has_no_share() -> None:
    variants = (
        Variant(name="embed", port=80), Variant(name="dark", port=80, shadow=True),
        Variant(name="next", port=80, match=Match(header={"x": "1"})),
    )  # fmt: skip
    found = routes(served("embed", *variants))
    assert len(found) == 2
    for one in found:
        (mirror,) = one["route"]["request_mirror_policies"]
        assert mirror["cluster"] == "shop.dark"
    shares = [one["name"] for one in found[-1]["route"]["weighted_clusters"]["clusters"]]
    assert shares == ["shop.embed", "shop.next"]


def test_only_an_idempotent_service_is_tried_again_after_a_reset() -> None:
    for idempotent in (False, True):
        (route,) = routes(served(idempotent=idempotent))
        reasons = route["route"]["retry_policy"]["retry_on"].split(",")
        assert ("reset" in reasons) is idempotent
        assert {"connect-failure", "refused-stream", "reset-before-request"} <= set(reasons)
        assert not {"5xx", "gateway-error", "retriable-4xx"} & set(reasons)


def test_routes_are_in_the_order_of_how_much_they_say() -> None:
    wanted: list[dict[str, Any]] = [
        {"host": "a.b.c", "path": "/x"}, {"host": "a.b.c"}, {"host": "*.b.c"}, {"host": "*.c"},
        {"path": "/x/y", "header": {"h": "1"}}, {"path": "/x/y"}, {"path": "/x"}, {},
    ]  # fmt: skip
    mixed = [served(f"s{index}", route=one) for index, one in reversed(list(enumerate(wanted)))]
    assert [one["name"] for one in routes(*mixed)] == [f"shop.s{i}" for i in range(len(wanted))]


def test_bodies_are_read_only_where_a_model_is_asked_for() -> None:
    found = routes(
        served("a", route={"path": "/ai", "model": "m"}),
        served("b", route={"path": "/ai", "model": "n"}),
        served("c", route={"path": "/other"}),
    )
    reading = [one for one in found if policies.MODELS in one.get("typed_per_filter_config", {})]
    assert [one["match"]["path_separated_prefix"] for one in reading] == ["/ai"]
    assert reading[0]["match"]["headers"][0]["name"] == "content-type"


@pytest.mark.parametrize(
    ("requests", "per", "said"), [(10, 1.0, "1"), (3, 60.0, "20"), (1, 90.5, "91")]
)
def test_a_client_is_told_when_there_is_room_again(requests: int, per: float, said: str) -> None:
    assert policies.retry_after(RateLimit(requests=requests, per=per)) == said


def test_a_service_without_keys_lets_nobody_in() -> None:
    (route,) = routes(served(auth=Auth(keys="f")))
    assert route["typed_per_filter_config"][policies.KEYS]["credentials"] == []
    (route,) = routes(served(auth=Auth(keys="f"), keys=(Key("k", "ana"), Key("k", "bob"))))
    credentials = route["typed_per_filter_config"][policies.KEYS]["credentials"]
    assert credentials == [{"key": "k", "client": "bob"}], "Envoy takes no key twice"


def test_services_that_contradict_those_before_them_are_left_out_and_told() -> None:
    tls = Tls(cert="/c", key="/k")
    all_served = [
        served("a"), served("b"), served("c", route={"path": "/c", "tls": tls}),
        served("d", route={"listen": "0.0.0.0:81", "tls": tls}),
        served("e", route={"path": "/", "header": {"x": "1"}}),
        served("f", *(Variant(name=name, port=80) for name in "fa"), route={"path": "/f"}),
    ]  # fmt: skip
    told = places.refused(all_served)
    assert told == {
        ("shop", "b"): "its route is the one of shop/a already: 0.0.0.0:80 /",
        ("shop", "c"): "0.0.0.0:80 is without TLS already, for shop/a",
        ("shop", "f"): "shop/a is a variant of shop/a already",
    }
    names = {one["name"] for one in parse(config.files(all_served, SETTINGS).clusters).resources}
    assert names == {"shop.a", "shop.d", "shop.e"}


def test_two_roots_never_share_a_port() -> None:
    (listener,) = msgspec.json.decode(config.files([served()], SETTINGS).listeners)["resources"]
    assert listener["enable_reuse_port"] is False
    assert listener["address"] == {"socket_address": {"address": "0.0.0.0", "port_value": 80}}


def test_an_address_of_version_6() -> None:
    one = served(route={"listen": "[::1]:80"})
    (listener,) = msgspec.json.decode(config.files([one], SETTINGS).listeners)["resources"]
    assert listener["address"] == {"socket_address": {"address": "::1", "port_value": 80}}
