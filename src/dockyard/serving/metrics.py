"""Services in the text format of Prometheus."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dockyard.serving.sight import Sight
from dockyard.serving.verbs import Status

_LABELS = ("project", "service", "variant")
_MILLISECONDS = 1000.0
_Value = Callable[[Sight], float]


class _Page(Collector):
    def __init__(self, sights: Sequence[Sight]) -> None:
        self._sights = sights

    def collect(self) -> Iterable[Metric]:
        yield from _counters(self._sights)
        yield from _gauges(self._sights)
        yield _latency(self._sights)


def page(sights: Sequence[Sight]) -> bytes:
    """What Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(_Page(sights))
    return generate_latest(registry)


def _names(sight: Sight) -> tuple[str, str, str]:
    status = sight.status
    return status.service.project, status.service.name, status.variant.name


def _counters(sights: Sequence[Sight]) -> Iterable[Metric]:
    requests = CounterMetricFamily(
        "dockyard_requests", "Answers of replicas and of the activator, by class of status",
        labels=(*_LABELS, "code"),
    )  # fmt: skip
    plain: dict[str, tuple[str, _Value]] = {
        "dockyard_retries": ("Requests that the gateway tried again", lambda s: s.gateway.retries),
        "dockyard_cold_starts": (
            "Requests that came while there was no replica", lambda s: s.activator.cold),
        "dockyard_queue_overflows": (
            "Requests that were refused as the queue was full", lambda s: s.activator.overflowed),
        "dockyard_queue_failures": (
            "Requests that were held and got no replica", lambda s: s.activator.failed),
    }  # fmt: skip
    for sight in sights:
        for code, count in sorted(sight.gateway.by_class.items()):
            requests.add_metric((*_names(sight), f"{code}xx"), count)
    yield requests
    for name, (words, value) in plain.items():
        family = CounterMetricFamily(name, words, labels=_LABELS)
        for sight in sights:
            family.add_metric(_names(sight), value(sight))
        yield family
    used = CounterMetricFamily(
        "dockyard_cpu_seconds", "Processor time of all replicas, those too that are gone",
        labels=_LABELS,
    )  # fmt: skip
    for sight in sights:
        if sight.cpu_seconds is not None:
            used.add_metric(_names(sight), sight.cpu_seconds)
    yield used


def _gauges(sights: Sequence[Sight]) -> Iterable[Metric]:
    values: dict[str, tuple[str, _Value]] = {
        "dockyard_replicas_wanted": ("Replicas that there should be",
                                     lambda s: s.status.standing.wanted),
        "dockyard_replicas_ready": ("Replicas that serve", lambda s: s.status.standing.ready),
        "dockyard_requests_active": ("Requests that are being served, or wait",
                                     lambda s: s.gateway.load),
        "dockyard_queue_length": ("Requests that wait for a replica",
                                  lambda s: s.activator.waiting),
        "dockyard_traffic_share": ("Part of the service's traffic", lambda s: s.status.share / 100),
        "dockyard_memory_bytes": ("Memory of all replicas", lambda s: s.usage.memory_bytes),
        "dockyard_service_failed": ("1 where replicas can't be started, or the gateway refuses it",
                                    lambda s: int(_has_failed(s.status))),
    }  # fmt: skip
    for name, (words, value) in values.items():
        family = GaugeMetricFamily(name, words, labels=_LABELS)
        for sight in sights:
            family.add_metric(_names(sight), value(sight))
        yield family


def _latency(sights: Sequence[Sight]) -> Metric:
    family = HistogramMetricFamily(
        "dockyard_request_seconds", "Time from a request at the gateway to the end of its answer",
        labels=_LABELS,
    )  # fmt: skip
    for sight in sights:
        times = sight.gateway.times
        if not times:
            continue
        buckets = [(_bound(one), float(times[one])) for one in sorted(times)]
        family.add_metric(_names(sight), buckets, sight.gateway.time_sum / _MILLISECONDS)
    return family


def _bound(milliseconds: float) -> str:
    return "+Inf" if math.isinf(milliseconds) else repr(milliseconds / _MILLISECONDS)


def _has_failed(status: Status) -> bool:
    return status.problem != "" or status.standing.condition == "failed"
