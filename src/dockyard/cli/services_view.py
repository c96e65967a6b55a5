"""Rows of served services."""

from __future__ import annotations

import time

from dockyard.cli.units import since
from dockyard.serving.model import Route
from dockyard.serving.verbs import Status

TITLES = {
    "Project": "PROJECT", "Name": "SERVICE", "Variant": "VARIANT", "Status": "STATUS",
    "Replicas": "REPLICAS", "Share": "TRAFFIC", "Route": "ROUTE", "Reason": "WHY",
}  # fmt: skip
COLUMNS = ("Project", "Variant", "Status", "Replicas", "Share", "Route", "Reason")


def row(status: Status) -> dict[str, str]:
    """A variant's values."""
    stands, variant = status.standing, status.variant
    head = variant.name == status.service.variants[0].name
    rolled = status.rollout
    word = "refused" if status.problem else stands.condition
    reasons = [status.problem or stands.reason]
    if rolled is not None and rolled.canary == variant.name and rolled.state == "running":
        reasons.append(f"rollout: {rolled.why or 'begun'}")
    return {
        "Project": status.service.project,
        "Name": status.service.name,
        "Variant": variant.name,
        "Status": word,
        "Replicas": f"{stands.ready}/{stands.wanted} ({variant.scale.min}-{variant.scale.max})",
        "Share": "shadow" if variant.shadow else f"{status.share:.4g}%",
        "Route": route(status.service.route) if head else "",
        "Reason": "; ".join(filter(None, reasons)),
    }


def route(found: Route) -> str:
    """Where a service is reached."""
    scheme = "https" if found.tls else "http"
    address, _, port = found.listen.rpartition(":")
    host = found.host or (address if address != "0.0.0.0" else "localhost")  # noqa: S104  # all of them
    words = f"{scheme}://{host}:{port}{found.path}"
    return f"{words} [{found.model}]" if found.model else words


def moment(at: float) -> str:
    """When something was, in the host's time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def age(at: float) -> str:
    """How long ago."""
    return since(int(at * 10**9))
