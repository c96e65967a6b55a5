"""What gateway and activator are to do, from what was declared and what there is. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from dockyard.serving.activator.model import Condition, Target
from dockyard.serving.controller.model import Replica
from dockyard.serving.gateway.model import Backend, Leg, Served, Upstream
from dockyard.serving.model import Variant, target_id
from dockyard.serving.records import Declared, Standing

_DIGITS = 16


def socket_path(directory: str, target: str) -> str:
    """Where the activator serves a variant: short, as Unix sockets' paths must be."""
    return f"{directory}/{hashlib.sha256(target.encode()).hexdigest()[:_DIGITS]}"


def served(
    declared: Declared, legs: Sequence[Leg], replicas: Mapping[str, Sequence[Replica]],
    sockets: str,
) -> Served:  # fmt: skip
    """A service as the gateway is to serve it.

    Args:
        replicas: by variant.
        sockets: the directory of the activator's.
    """
    service = declared.service
    return Served(
        service=service,
        legs=tuple(legs),
        upstreams=tuple(
            _upstream(service.project, variant, replicas.get(variant.name, ()), sockets)
            for variant in service.variants
        ),
        keys=declared.keys,
    )


def _upstream(
    project: str, variant: Variant, replicas: Sequence[Replica], sockets: str
) -> Upstream:
    target = target_id(project, variant.name)
    return Upstream(
        id=target,
        activator=socket_path(sockets, target),
        backends=() if variant.concurrency else backends(replicas),
    )


def backends(replicas: Sequence[Replica]) -> tuple[Backend, ...]:
    """Where ready replicas take requests."""
    return tuple(
        sorted(each.backend for each in replicas if each.state == "ready" and each.backend)
    )


def target(
    declared: Declared, variant: Variant, replicas: Sequence[Replica], standing: Standing,
    sockets: str, retry_after: float,
) -> Target:  # fmt: skip
    """A variant as the activator is to serve it."""
    service = declared.service
    name = target_id(service.project, variant.name)
    return Target(
        id=name,
        socket=socket_path(sockets, name),
        backends=backends(replicas),
        probing=tuple(
            sorted(each.backend for each in replicas
                   if each.state == "starting" and each.backend)
        ),
        ready_path=variant.ready.path,
        ready_timeout=variant.ready.timeout,
        keep_alive=variant.keep_alive,
        protocol=variant.protocol,
        concurrency=variant.concurrency,
        queue=service.queue.max,
        timeout=service.timeout,
        idempotent=service.idempotent,
        max_body=service.max_body,
        condition=_condition(standing, replicas),
        reason=_public(standing),
        retry_after=max(retry_after, 1.0),
    )  # fmt: skip


def _condition(standing: Standing, replicas: Sequence[Replica]) -> Condition:
    if standing.condition == "failed":
        return "failed"
    if standing.condition == "suspended":
        return "stopped"
    return "serving" if backends(replicas) else "starting"


def _public(standing: Standing) -> str:
    """Why it doesn't serve, without what a container printed: that may hold secrets."""
    if standing.condition == "failed":
        return standing.failures.reason
    return standing.reason if standing.condition == "suspended" else ""
