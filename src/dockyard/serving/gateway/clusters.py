"""A variant as Envoy's cluster: replicas first, the activator behind them."""

from __future__ import annotations

from dockyard.serving.gateway.documents import Json, seconds, typed
from dockyard.serving.gateway.model import Backend, Upstream
from dockyard.serving.model import Variant

KIND = "envoy.config.cluster.v3.Cluster"

_CONNECT_SECONDS = 1.0
_UNLIMITED = 1 << 30
_MOST_REQUESTS = 4096
"""Of a variant, at a time: a quarter of the connections that all services have together, so that
one that hangs leaves the others most of them. What may wait in its queue comes on top."""
_ALL_TO_REPLICAS = 100_000
"""Percent: one healthy replica of a thousand is enough for none to spill to the activator."""
_KEEP_ALIVE_MARGIN = 1.0


def cluster(upstream: Upstream, variant: Variant, queue: int = 0) -> Json:
    """The cluster of a variant.

    Its statistics are called by :func:`stat_name`, since Envoy splits names at dots.

    Args:
        queue: how many requests may wait at the activator.
    """
    return {
        "name": upstream.id,
        "alt_stat_name": stat_name(upstream.id),
        "type": "STATIC",
        "connect_timeout": seconds(_CONNECT_SECONDS),
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": _endpoints(upstream),
        "circuit_breakers": {"thresholds": [_limits(queue)]},
        "outlier_detection": _ejection(len(upstream.backends)),
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _protocol(variant)
        },
    }


def stat_name(upstream: str) -> str:
    """How Envoy's statistics call a cluster; :func:`id_of` is the way back."""
    return upstream.replace(".", "/")


def id_of(stat: str) -> str:
    return stat.replace("/", ".")


def idle_seconds(keep_alive: float) -> float:
    """For how long an unused connection to a server is kept that closes them after ``keep_alive``.

    A request on a connection that the server closes in that moment would fail.
    """
    return max(keep_alive - _KEEP_ALIVE_MARGIN, keep_alive / 2)


def _endpoints(upstream: Upstream) -> Json:
    replicas = [_endpoint(_socket(backend)) for backend in sorted(upstream.backends)]
    activator = _endpoint({"pipe": {"path": upstream.activator}})
    return {
        "cluster_name": upstream.id,
        "policy": {"overprovisioning_factor": _ALL_TO_REPLICAS},
        "endpoints": [
            {"priority": 0, "lb_endpoints": replicas},
            {"priority": 1, "lb_endpoints": [activator]},
        ],
    }


def _endpoint(address: Json) -> Json:
    return {"endpoint": {"address": address}}


def _socket(backend: Backend) -> Json:
    return {"socket_address": {"address": backend.address, "port_value": backend.port}}


def _limits(queue: int) -> Json:
    """Circuit breakers. Connections need none, as each is there for a request; nor do retries,
    which are few for each."""
    most = _MOST_REQUESTS + queue
    return {
        "max_requests": most, "max_pending_requests": most,
        "max_connections": _UNLIMITED, "max_retries": _UNLIMITED,
    }  # fmt: skip


def _ejection(replicas: int) -> Json:
    """A replica that fails again and again gets a rest, never more than half of them at once.

    The activator counts as one of them; what is left when it rests too is used nonetheless. One
    alone isn't ejected for its answers: all of it would only take the way by the activator, to the
    same replica, and its errors would be told as the activator's.
    """
    return {
        "interval": "1s",
        "base_ejection_time": "5s",
        "max_ejection_time": "30s",
        "max_ejection_percent": 50,
        "consecutive_5xx": 10,
        "enforcing_consecutive_5xx": 100 if replicas > 1 else 0,
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 3,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
    }


def _protocol(variant: Variant) -> Json:
    common: Json = {"idle_timeout": seconds(idle_seconds(variant.keep_alive))}
    if variant.keep_alive <= 0:
        common = {"max_requests_per_connection": 1}
    version = "http2_protocol_options" if variant.protocol == "h2c" else "http_protocol_options"
    return typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options=common,
        explicit_http_config={version: {}},
    )
