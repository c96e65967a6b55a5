"""Envoy's statistics into values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import msgspec

from dockyard.serving.gateway.clusters import id_of

WANTED = (
    r"^cluster\..*\.(upstream_rq_(active|pending_active|total|time|[1-5]xx)|membership_healthy"
    r"|upstream_rq_retry)$"
)
"""The statistics that :func:`figures` reads."""
_LINE = re.compile(r"envoy_cluster_(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Figures(msgspec.Struct, kw_only=True):
    """What Envoy counts of a variant, of what replicas and the activator serve."""

    active: int = 0
    """Requests that are being served, or held by the activator."""
    pending: int = 0
    """Requests that wait for a connection."""
    total: int = 0
    """Requests that were passed on, each try of one, since Envoy started."""
    by_class: dict[str, int] = {}
    """Answers by the first digit of their status."""
    retries: int = 0
    healthy: int = 0
    """Endpoints that aren't ejected, the activator among them: not the number of replicas."""
    times: dict[float, int] = {}
    """Answers by upper bound of milliseconds, cumulative, ``inf`` last."""
    time_sum: float = 0.0
    """Milliseconds, of all answers."""

    @property
    def timed(self) -> int:
        """Answers whose time is in ``time_sum``."""
        return self.times.get(math.inf, 0)

    @property
    def load(self) -> int:
        """Requests at a time: what is scaled by."""
        return self.active + self.pending


class Source(msgspec.Struct, frozen=True):
    """How it is with a document."""

    version: str = ""
    rejected: int = 0
    """So often it made no sense."""
    failed: int = 0
    """So often it couldn't be read."""

    @property
    def refused(self) -> int:
        return self.rejected + self.failed


class Loaded(msgspec.Struct, frozen=True):
    """The documents that Envoy has."""

    clusters: Source
    listeners: Source
    routes: dict[str, Source]


def figures(text: str) -> dict[str, Figures]:
    """Figures by variant, from Prometheus' format."""
    found: dict[str, Figures] = {}
    for name, labels, value in _samples(text):
        cluster = labels.get("envoy_cluster_name")
        if cluster is not None:
            _take(found.setdefault(id_of(cluster), Figures()), name, labels, value)
    return found


def loaded(text: str) -> Loaded:
    """The state of all documents, from Envoy's own format."""
    values: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        source, _, field = name.rpartition(".")
        values.setdefault(source, {})[field] = value.strip().strip('"')
    return Loaded(
        clusters=_source(values.get("cluster_manager.cds", {})),
        listeners=_source(values.get("listener_manager.lds", {})),
        routes={
            source.rpartition(".rds.")[2]: _source(fields)
            for source, fields in values.items()
            if ".rds." in source
        },
    )


def _source(fields: dict[str, str]) -> Source:
    return Source(
        fields.get("version_text", ""),
        int(fields.get("update_rejected", "0")),
        int(fields.get("update_failure", "0")),
    )


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is not None:
            yield found[1], dict(_LABEL.findall(found[2])), float(found[3])


def _take(figures: Figures, name: str, labels: dict[str, str], value: float) -> None:
    match name:
        case "upstream_rq_active":
            figures.active = int(value)
        case "upstream_rq_pending_active":
            figures.pending = int(value)
        case "upstream_rq_total":
            figures.total = int(value)
        case "upstream_rq_retry":
            figures.retries = int(value)
        case "membership_healthy":
            figures.healthy = int(value)
        case "upstream_rq_xx":
            figures.by_class[labels["envoy_response_code_class"]] = int(value)
        case "upstream_rq_time_bucket":
            figures.times[float(labels["le"])] = int(value)
        case "upstream_rq_time_sum":
            figures.time_sum = value
        case _:
            pass
