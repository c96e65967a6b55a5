"""What goes without saying."""

from __future__ import annotations

from typing import Any

from dockyard.compose.load.place import Path
from dockyard.compose.load.walk import rewritten, rules


def with_defaults(tree: dict[str, Any]) -> dict[str, Any]:
    """A canonical tree with the defaults that don't depend on anything else."""
    table = {
        "services.*.build": _build,
        "services.*.secrets.*": _secret,
        "services.*.ports.*": _port,
        "services.*.deploy.resources.reservations.devices.*": _devices,
        "services.*.gpus.*": _devices,
    }
    whole: dict[str, Any] = rewritten(tree, rules(table))
    return whole


def _build(value: Any, path: Path) -> Any:  # noqa: ARG001
    return {"context": ".", **value} if isinstance(value, dict) else value


def _secret(value: Any, path: Path) -> Any:  # noqa: ARG001
    if not isinstance(value, dict):
        return value
    return {"target": f"/run/secrets/{value.get('source', '')}", **value}


def _port(value: Any, path: Path) -> Any:  # noqa: ARG001
    return {"protocol": "tcp", "mode": "ingress", **value} if isinstance(value, dict) else value


def _devices(value: Any, path: Path) -> Any:  # noqa: ARG001
    counted = not isinstance(value, dict) or "count" in value or "device_ids" in value
    return value if counted else {**value, "count": "all"}
