"""From what should be and what there is to what is to be done. Pure."""

from __future__ import annotations

from dockyard.compose import converge, order, resources, starting
from dockyard.compose.actions import Plan
from dockyard.compose.options import CreateOptions, StartOptions
from dockyard.compose.situation import Situation


def up(situation: Situation, options: CreateOptions, start: StartOptions | None = None) -> Plan:
    """What ``up`` does, or ``create`` where ``start`` is ``None``.

    Raises:
        Conflict, NotFound: a network or volume is somebody else's, or isn't there.
        InvalidInput: a service that is needed is missing, or there is a cycle.
    """
    graph = order.graph(situation.project)
    shared = resources.shared(situation, options)
    made = converge.containers(situation, options, graph, shared)
    stages = [shared.actions, made.removals, made.mends, made.actions]
    if start is not None:
        stages.append(starting.starts(graph, made.present, situation.project.services))
        if start.wait:
            stages.append(starting.awaits(graph, made.present))
    return Plan(
        stages=tuple(stage for stage in stages if stage),
        warnings=(*shared.warnings, *made.warnings),
    )
