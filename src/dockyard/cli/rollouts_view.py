"""How a rollout is told of."""

from __future__ import annotations

from dockyard.cli import services_view as view
from dockyard.serving.decide.model import Rollout

TITLES = {
    "Service": "SERVICE", "Canary": "CANARY", "State": "STATE", "Step": "STEP",
    "Weight": "TRAFFIC", "Since": "SINCE", "Why": "WHY",
}  # fmt: skip


def row(found: Rollout) -> dict[str, str]:
    """A rollout's values."""
    share = {"promoted": 100, "rolled-back": 0}.get(found.state, found.steps[found.step].weight)
    return {
        "Service": found.service,
        "Canary": found.canary,
        "State": found.state,
        "Step": f"{found.step + 1}/{len(found.steps)}",
        "Weight": f"{share}%",
        "Since": view.age(found.since),
        "Why": found.why,
    }
