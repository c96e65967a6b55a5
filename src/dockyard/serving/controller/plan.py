"""Which replicas are started, drained and removed. Pure.

An old replica goes only once a new one is ready; only the idle rule takes the last one away. Where
both need the same port of the host, the old one goes first.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.serving.controller.model import Plan, Replica, Wishes

_SURGE = 1
"""Replicas beyond the wanted number while a new version takes the place of an old one."""


def plan(wishes: Wishes, replicas: Sequence[Replica], pending: int = 0) -> Plan:
    """What brings a variant nearer to its wishes.

    Args:
        pending: replicas that are being made and aren't containers yet.
    """
    alive = [each for each in replicas if each.state in {"starting", "ready"}]
    ended = tuple(each.id for each in replicas if each.state == "ended" or _is_over(each, wishes))
    if wishes.replicas == 0:
        drained = tuple(each.id for each in alive if each.state == "ready")
        gone = tuple(each.id for each in alive if each.state == "starting")
        return Plan(drain=drained, remove=ended + gone)
    current = [each for each in alive if each.template == wishes.template and not each.unhealthy]
    old = [each for each in alive if each not in current]
    if wishes.alone and len(current) < len(replicas):
        return _in_turn(old, ended)
    ready = sum(each.state == "ready" for each in current)
    missing = wishes.replicas - len(current) - pending
    room = wishes.replicas + _SURGE - len(alive) - pending
    if not any(each.state == "ready" for each in old):
        room = missing  # those that don't serve need no successor
    start = max(0, min(missing, room, wishes.may_start))
    drop_old, drain_old = _old(old, keep=max(0, wishes.replicas - ready))
    drop, drain = _surplus(current, wishes.replicas)
    return Plan(start=start, drain=drain_old + drain, remove=ended + drop_old + drop)


def _is_over(replica: Replica, wishes: Wishes) -> bool:
    """A paused one finishes nothing: it goes where it isn't wanted any more."""
    return replica.paused and (wishes.replicas == 0 or replica.template != wishes.template)


def _in_turn(old: Sequence[Replica], ended: tuple[str, ...]) -> Plan:
    """For replicas that can't be beside each other: the old one goes first, and requests wait."""
    drained = tuple(each.id for each in old if each.state == "ready")
    gone = tuple(each.id for each in old if each.state == "starting")
    return Plan(drain=drained, remove=ended + gone)


def _old(old: Sequence[Replica], keep: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of those of an old version, who goes at once and who is drained; ``keep`` still serve."""
    starting = tuple(each.id for each in old if each.state == "starting")
    serving = sorted((each for each in old if each.state == "ready"),
                     key=lambda each: (not each.unhealthy, each.number))  # fmt: skip
    surplus = max(0, len(serving) - keep)
    return starting, tuple(each.id for each in serving[:surplus])


def _surplus(current: Sequence[Replica], wanted: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of those beyond the wanted number, who goes at once (not ready yet) and who is drained."""
    surplus = max(0, len(current) - wanted)
    order = sorted(current, key=lambda each: (each.state == "ready", -each.number))
    chosen = order[:surplus]
    gone = tuple(each.id for each in chosen if each.state == "starting")
    return gone, tuple(each.id for each in chosen if each.state == "ready")
