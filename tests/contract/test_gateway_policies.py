"""Envoy, as configured: keys, rates, and what is told of a request."""

from __future__ import annotations

from pathlib import Path

from tests.support.gateway import Gateway, MakeServer, served, service

from dockyard.serving.controller.tally import Manner, Tally
from dockyard.serving.gateway.model import Key
from dockyard.serving.model import Auth, Match, RateLimit, Variant

SECRET = "s3cr3t-key"
LONG = 3600.0
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _statuses(gateway: Gateway, times: int, path: str = "/", **headers: str) -> list[int]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [gateway.ask(path, headers=named).status for _ in range(times)]


def test_more_than_the_rate_is_refused_and_told_when_to_come_again(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    limited = service(gateway, path="/a", rate_limit=RateLimit(requests=3, per=30.0))
    gateway.serve(
        served(gateway, limited, {"embed": [one.backend]}),
        served(gateway, service(gateway, name="free"), {"free": [one.backend]}),
    )
    assert _statuses(gateway, 5, "/a") == [200, 200, 200, 429, 429]
    answer = gateway.ask("/a")
    assert (answer.status, answer.headers["retry-after"]) == (429, "10")
    assert answer.json["error"]["code"] == 429
    assert _statuses(gateway, 5, "/b") == [200] * 5
    assert len([one for one in one.seen if one.path == "/a"]) == 3


def test_each_value_of_a_header_has_a_budget_and_those_without_share_one(
    gateway: Gateway, server: MakeServer
) -> None:
    limit = RateLimit(requests=2, per=LONG, key="header:X-Api-Key")
    one = server("one")
    variants = (
        Variant(name="embed", port=80),
        Variant(name="next", port=80, match=Match(header={"x-try": "1"})),
    )
    what = service(gateway, *variants, rate_limit=limit)
    gateway.serve(served(gateway, what, {"embed": [one.backend], "next": [one.backend]}))
    assert _statuses(gateway, 3, x_api_key="a") == [200, 200, 429]
    assert _statuses(gateway, 3, x_api_key="b") == [200, 200, 429]
    assert _statuses(gateway, 3) == [200, 200, 429]
    assert _statuses(gateway, 1, x_api_key="a", x_try="1") == [429], "one budget on all routes"


def test_each_client_has_a_budget(gateway: Gateway, server: MakeServer) -> None:
    one = server("one")
    what = service(gateway, rate_limit=RateLimit(requests=2, per=LONG, key="ip"))
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))
    assert _statuses(gateway, 2) == [200, 200]
    assert _statuses(gateway, 1, x_forwarded_for="192.0.2.7") == [429]


def test_only_keys_open_a_service_and_nobody_behind_it_sees_them(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    keys = (Key(SECRET, "ana"), Key("other"), Key("other"))
    what = service(gateway, path="/a", auth=Auth(keys="keys.txt"))
    closed = service(gateway, name="closed", path="/c", auth=Auth(keys="empty.txt"))
    gateway.serve(
        served(gateway, what, {"embed": [one.backend]}, keys=keys),
        served(gateway, closed, {"closed": [one.backend]}),
        served(gateway, service(gateway, name="open"), {"open": [one.backend]}),
    )
    for headers in ({}, {"x-api-key": "no"}, {"authorization": f"Basic {SECRET}"}):
        answer = gateway.ask("/a", headers=headers)
        assert (answer.status, answer.json["error"]["code"]) == (401, 401)
    assert gateway.ask("/c", headers={"x-api-key": SECRET}).status == 401
    assert one.seen == []
    for headers in ({"x-api-key": SECRET}, {"authorization": f"Bearer {SECRET}"}):
        forged = dict.fromkeys(
            ("x-dockyard-client", "X_Dockyard_Client", "x_dockyard-client"), "eve"
        )
        assert gateway.ask("/a", headers={**headers, **forged}).status == 200
        seen = one.seen[-1].headers
        assert "eve" not in seen.values(), "servers take _ for -"
        assert not {"x-api-key", "authorization"} & seen.keys()
        assert seen["x-dockyard-client"] == "ana"
    opened = gateway.ask(f"/b?token={SECRET}", headers={
        "x-dockyard-client": "ana", "authorization": f"Bearer {SECRET}",
    })  # fmt: skip
    assert "x-dockyard-client" not in one.seen[-1].headers
    assert one.seen[-1].headers["authorization"] == f"Bearer {SECRET}", "the service's own"
    assert gateway.log_of(opened.headers["x-request-id"]).caller is None
    assert SECRET not in Path(gateway.settings.access_log).read_text()


def test_a_limit_counts_by_key_although_the_replica_never_sees_it(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    limit = RateLimit(requests=1, per=LONG, key="header:x-api-key")
    what = service(gateway, auth=Auth(keys="keys"), rate_limit=limit)
    gateway.serve(served(gateway, what, {"embed": [one.backend]}, keys=(Key("k1"), Key("k2"))))
    assert _statuses(gateway, 2, x_api_key="no") == [401, 401]
    assert _statuses(gateway, 2, x_api_key="k1") == [200, 429]
    assert _statuses(gateway, 2, x_api_key="k2") == [200, 429]


def test_a_request_has_an_id_keeps_its_trace_and_is_logged_without_its_query(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    what = service(gateway, path="/a", route={"strip": True})
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))
    answer = gateway.ask("/a/x?token=1", method="POST", body=b"12345",
                         headers={"traceparent": TRACE})  # fmt: skip
    request_id = answer.headers["x-request-id"]
    assert one.seen[0].headers["x-request-id"] == request_id
    assert one.seen[0].headers["traceparent"] == TRACE
    line = gateway.log_of(request_id)
    assert (line.traceparent, line.method, line.path) == (TRACE, "POST", "/a/x")
    assert (line.service, line.target) == ("shop.embed", "shop.embed")
    assert line.upstream == f"127.0.0.1:{one.backend.port}"
    assert (line.status, line.received, line.attempts, line.failed) == (200, 5, 1, False)
    assert line.duration is not None
    assert line.sent == len(answer.body)
    assert gateway.ask("/a", headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"


def test_the_log_goes_on_in_a_new_file(gateway: Gateway, server: MakeServer) -> None:
    gateway.serve(served(gateway, service(gateway), {"embed": [server("one").backend]}))
    log = Path(gateway.settings.access_log)
    first = gateway.ask().headers["x-request-id"]
    gateway.log_of(first)
    log.rename(log.with_suffix(".1"))
    gateway.admin.reopen_logs()
    second = gateway.ask().headers["x-request-id"]
    assert gateway.log_of(second).id == second
    assert first in log.with_suffix(".1").read_text()
    assert first not in log.read_text()


def test_traffic_counts_what_replicas_did_alone(gateway: Gateway, server: MakeServer) -> None:
    good, activator = server("good"), server("held")
    activator.stop()
    activator.listen(gateway.socket("embed"))
    what = service(gateway, rate_limit=RateLimit(requests=5, per=LONG))
    gateway.serve(served(gateway, what, {}))
    answers = [gateway.ask() for _ in range(2)]
    gateway.serve(served(gateway, what, {"embed": [good.backend]}))
    answers += [gateway.ask() for _ in range(6)]
    lines = [gateway.log_of(one.headers["x-request-id"]) for one in answers]
    tally = Tally(0.0, Manner())
    tally.take(lines)
    counted = tally.traffic()
    assert [one.status for one in answers] == [200] * 5 + [429] * 3
    assert (counted.requests, counted.errors) == (3, 0)
    assert counted.latencies[float("inf")] == 3
