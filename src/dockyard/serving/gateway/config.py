"""Services into Envoy's documents: no more than values in, text out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.serving.gateway import clusters, listeners, places, routes
from dockyard.serving.gateway.documents import Json, document, extension
from dockyard.serving.gateway.model import Files, Served, Settings

_MOST_CONNECTIONS = 16_384
"""Of clients, at a time."""


def bootstrap(settings: Settings) -> bytes:
    """What Envoy starts with: where its documents are, and its admin socket, for its owner only."""
    live = f"{settings.directory}/live"
    answer: Json = {
        "node": {"id": "dockyard", "cluster": "dockyard"},
        "admin": {"address": {"pipe": {"path": settings.admin, "mode": 0o600}}},
        "dynamic_resources": {
            "cds_config": _file(f"{live}/clusters.json"),
            "lds_config": _file(f"{live}/listeners.json"),
        },
        "stats_flush_interval": "1s",  # how late times of answers are added up
        "overload_manager": _overload(settings),
    }
    return msgspec.json.encode(answer)


def files(served: Sequence[Served], settings: Settings) -> Files:
    """The documents of all services but those that :func:`.places.refused` tells.

    A service that can't be served doesn't keep the others from it.
    """
    left_out = places.refused(served)
    kept = [one for one in served if (one.service.project, one.service.name) not in left_out]
    by_listener: dict[str, list[Served]] = {}
    for one in kept:
        by_listener.setdefault(one.service.route.listen, []).append(one)
    return Files(
        clusters=document(clusters.KIND, [
            clusters.cluster(upstream, variant, one.service.queue.max)
            for one in kept
            for upstream, variant in zip(one.upstreams, one.service.variants, strict=True)
        ]),
        listeners=document(listeners.KIND, [
            listeners.listener(listen, group, settings) for listen, group in by_listener.items()
        ]),
        routes={
            listeners.name_of(listen): document(
                routes.KIND, [routes.table(listeners.name_of(listen), group)]
            )
            for listen, group in by_listener.items()
        },
    )  # fmt: skip


def _overload(settings: Settings) -> Json:
    """Bodies that are kept for a retry take memory, as many as clients like to send."""
    heap = "envoy.resource_monitors.fixed_heap"
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            extension(
                heap, "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                max_heap_size_bytes=settings.heap,
            ),
            # more would leave nothing for connections to replicas
            extension(
                "envoy.resource_monitors.global_downstream_max_connections",
                "envoy.extensions.resource_monitors.downstream_connections.v3"
                ".DownstreamConnectionsConfig",
                max_active_downstream_connections=_MOST_CONNECTIONS,
            ),
        ],
        "actions": [
            {
                "name": f"envoy.overload_actions.{name}",
                "triggers": [{"name": heap, "threshold": {"value": share}}],
            }
            for name, share in (("shrink_heap", 0.9), ("stop_accepting_requests", 0.95))
        ],
    }  # fmt: skip


def _file(path: str) -> Json:
    return {"path_config_source": {"path": path}, "resource_api_version": "V3"}
