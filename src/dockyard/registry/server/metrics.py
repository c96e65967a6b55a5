"""What a registry counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dockyard.registry.server.summary import Summary

_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 300.0)


class Metrics:
    """Counters of one server. Safe between threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "dockyard_registry_requests", "Requests that were answered",
            ("method", "route", "status"), registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "dockyard_registry_request_seconds", "Time from a request to the end of its answer",
            ("method", "route"), buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._received = Counter("dockyard_registry_received_bytes",
                                 "Content that clients sent", registry=self._registry)  # fmt: skip
        self._sent = Counter("dockyard_registry_sent_bytes",
                             "Content that clients were sent", registry=self._registry)  # fmt: skip
        self.in_flight = Gauge("dockyard_registry_requests_in_flight",
                               "Requests that are being answered",
                               registry=self._registry)  # fmt: skip

        self._collected = Counter("dockyard_registry_collected_bytes",
                                  "Content that garbage collection removed",
                                  registry=self._registry)  # fmt: skip
        self._state = {
            name: Gauge(f"dockyard_registry_{name}", what, registry=self._registry)
            for name, what in _STATE.items()
        }

    def collected(self, count: int) -> None:
        """Bytes went with a collection."""
        self._collected.inc(count)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One was answered."""
        verb = method if method in _METHODS else "other"
        self._requests.labels(verb, route, str(status)).inc()
        self._seconds.labels(verb, route).observe(seconds)

    def received(self, count: int) -> None:
        """Bytes came in."""
        self._received.inc(max(0, count))

    def sent(self, count: int) -> None:
        """Bytes went out."""
        self._sent.inc(count)

    def page(self, state: Summary) -> bytes:
        """All of it in the text format of Prometheus."""
        for name, gauge in self._state.items():
            gauge.set(getattr(state, name))
        return generate_latest(self._registry)


_STATE = {
    "repositories": "Repositories", "tags": "Tags of all repositories",
    "manifests": "Manifests of all repositories", "blobs": "Blobs, each once",
    "size": "Bytes of all blobs, each once", "uploads": "Uploads that are under way",
    "upload_size": "Bytes of uploads that are under way",
}  # fmt: skip
"""Fields of the summary that are shown."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""Any other word would be a series of its own."""
