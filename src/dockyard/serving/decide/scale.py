"""How many replicas a variant is to have: Knative's autoscaler (KPA), extended. Pure.

The load is looked at through two windows. The stable one (60 s) decides as long as all is calm.
When the panic window (6 s) asks for twice as many replicas as are ready, the larger of both decides
and nothing is taken away until the stable window has passed without that. docs/scaling.md explains
every figure.
"""

from __future__ import annotations

import math

import msgspec

from dockyard.serving.decide import windows
from dockyard.serving.decide.model import Decision, History, Sample
from dockyard.serving.model import Scale

UTILISATION = 0.7
"""What is planned of a strict limit of concurrency: at all of it every request would queue."""
PANIC_AT = 2.0
"""So many times what is ready; not rounded up before, or one replica would panic at little more
than its own load."""
UP_RATE = 1000.0
DOWN_RATE = 2.0
"""A decision makes at most so many times more or fewer than there are ready."""
TOLERANCE = 0.1
"""A replica goes only where the load would fit the others if it were so much higher, or higher by
three times what a mean of looks at random requests scatters (a Poisson count's standard error)."""
_LOOKS = windows.STABLE / windows.TICK
_EPSILON = 1e-9

_UNITS = {
    "concurrency": "requests at a time",
    "rps": "requests a second",
    "cpu": "processors",
    "queue": "waiting requests",
}


class _Wanted(msgspec.Struct, frozen=True):
    """Loads as means over both windows: as measured, and in replicas."""

    stable_load: float
    panic_load: float
    stable: float
    panic: float
    room: float
    """By how much more the others must be able to take before a replica goes."""


class _Step(msgspec.Struct, frozen=True):
    """What a decision came to, before it is put into words."""

    replicas: int
    asked: int
    """What the load asks for, whatever ``min`` and ``max``."""
    history: History
    cause: str = ""
    """Instead of the load."""
    note: str = ""


def decide(
    scale: Scale, grace: float, history: History, ready: int, sample: Sample, now: float, *,
    limit: int = 0,
) -> Decision:  # fmt: skip
    """How many replicas a variant is to have from now on.

    Args:
        grace: seconds without a request after which the last replicas go, where ``min`` is 0.
        history: of the decision before, however long ago that was.
        ready: replicas that take requests now.
        sample: what was seen now.
        now: seconds, by the clock of the samples.
        limit: requests at a time that a replica gets at most, strictly; 0 for no such limit.
    """
    low, high = scale.min, max(scale.min, scale.max)
    current = ready if history.replicas is None else history.replicas
    first = history.replicas is None and ready > 1  # nothing is known yet of what they do
    history = windows.remember(history, sample, now)
    if first:
        history = msgspec.structs.replace(history, hold_until=now + windows.STABLE)
    wanted = _wanted(scale, limit, history.samples)
    bounded = min(max(current, low), high)
    if bounded == 0:
        step = _from_zero(scale, limit, history, sample, now)
    elif low == 0 and _is_over(grace, history, sample, now):
        cause = f"no request for {_figure(now - history.busy_at)} s"
        step = _Step(0, 0, _calm(history), cause)
    else:
        step = _by_windows(scale, history, ready, bounded, wanted, now)
    replicas = min(max(step.replicas, low), high)
    return Decision(
        replicas=replicas,
        why=_why(scale, limit, step, wanted, current, replicas, now),
        history=msgspec.structs.replace(step.history, replicas=replicas),
        panic=step.history.panic_since is not None,
    )


def planned(scale: Scale, limit: int) -> float:
    """The load that a replica is to have: the target, or 70 % of a strict limit on concurrency."""
    strict = scale.metric == "concurrency" and limit > 0
    return min(scale.target, limit * UTILISATION) if strict else scale.target


def in_replicas(scale: Scale, limit: int, load: float, requests: float) -> float:
    """A load in replicas that it would fill.

    Args:
        requests: active and waiting ones: by the queue, those that are worked on would wait if
            their replicas went.
    """
    filled = load / planned(scale, limit)
    if scale.metric == "queue":
        filled += max(requests - load, 0.0) / max(limit, 1)
    return filled


def _wanted(scale: Scale, limit: int, samples: tuple[Sample, ...]) -> _Wanted:
    """Without any request in the stable window nothing is wanted, whatever processors do."""
    traffic = any(map(windows.is_busy, samples))

    def means(window: float) -> tuple[float, float]:
        load = windows.mean(samples, window, _load)
        requests = windows.mean(samples, window, _requests) if scale.metric == "queue" else 0.0
        return load, in_replicas(scale, limit, load, requests) if traffic else 0.0

    stable_load, stable = means(windows.STABLE)
    panic_load, panic = means(windows.PANIC)
    return _Wanted(stable_load, panic_load, stable, panic, _room(scale, limit, stable))


def _load(sample: Sample) -> float:
    return sample.load


def _requests(sample: Sample) -> float:
    return sample.requests


def _room(scale: Scale, limit: int, stable: float) -> float:
    scatter = 0.0 if scale.metric == "cpu" else stable / planned(scale, limit) / _LOOKS
    return max(stable * TOLERANCE, 3 * math.sqrt(scatter))


def _is_over(grace: float, history: History, sample: Sample, now: float) -> bool:
    idle = not windows.is_busy(sample) and now - history.busy_at >= grace
    return idle and now >= history.hold_until


def _from_zero(scale: Scale, limit: int, history: History, sample: Sample, now: float) -> _Step:
    """No window is waited for: what waits now counts."""
    if not windows.is_busy(sample):
        return _Step(0, 0, _calm(history), "no request")
    asked = max(_whole(in_replicas(scale, limit, sample.load, sample.requests)), 1)
    if asked >= PANIC_AT:
        history = msgspec.structs.replace(history, panic_since=now, panic_peak=asked)
    came = _figure(max(sample.requests, sample.came))
    return _Step(asked, asked, history, f"at zero, and requests came ({came})")


def _by_windows(
    scale: Scale, history: History, ready: int, current: int, wanted: _Wanted, now: float
) -> _Step:
    """Knative's rule, with a tolerance before a replica goes."""
    base = max(ready, 1)
    most, least = math.ceil(UP_RATE * base), math.floor(base / DOWN_RATE)
    stable, panic = min(_whole(wanted.stable), most), min(_whole(wanted.panic), most)
    history = _panicked(history, over=wanted.panic / base >= PANIC_AT, now=now)
    if scale.metric == "cpu" and ready < current:  # a start takes processors too
        stable, panic = min(stable, current), min(panic, current)
    if history.panic_since is not None:
        peak = max(current, history.panic_peak, stable, panic)
        history = msgspec.structs.replace(history, panic_peak=peak)
        return _Step(peak, max(stable, panic), history)
    if stable > current:
        return _Step(stable, stable, history)
    kept = max(_whole(wanted.stable + wanted.room), least, 1)
    if kept < current and now < history.hold_until:
        left = _figure(history.hold_until - now)
        return _Step(current, stable, history, note=f"after a gap nothing goes for {left} s more")
    if kept >= current > max(stable, 1):
        full = wanted.stable / (current - 1)
        return _Step(current, stable, history, note=f"{current - 1} would be {full:.0%} full")
    return _Step(min(kept, current), stable, history)


def _panicked(history: History, *, over: bool, now: float) -> History:
    if over:
        return msgspec.structs.replace(history, panic_since=now)
    if history.panic_since is not None and now - history.panic_since >= windows.STABLE:
        return _calm(history)
    return history


def _calm(history: History) -> History:
    return msgspec.structs.replace(history, panic_since=None, panic_peak=0)


def _whole(replicas: float) -> int:
    return math.ceil(replicas - _EPSILON)


def _why(
    scale: Scale, limit: int, step: _Step, wanted: _Wanted, current: int, replicas: int, now: float
) -> str:
    plan = planned(scale, limit)
    share = f" ({UTILISATION:.0%} of {limit})" if plan != scale.target else ""
    load = (
        f"stable {_figure(wanted.stable_load)}, panic {_figure(wanted.panic_load)}"
        f" {_UNITS[scale.metric]}, {_figure(plan)}{share} a replica"
    )
    notes = [step.note] if step.note else []
    if step.history.panic_since is not None:
        left = step.history.panic_since + windows.STABLE - now
        notes.append(f"panic for {_figure(max(left, 0.0))} s more")
    if replicas < step.asked:
        notes.append(f"max is {scale.max}, the load asks for {step.asked}")
    elif replicas == scale.min > step.asked:
        notes.append(f"min is {scale.min}")
    change = f"{current} -> {replicas}" if replicas != current else f"stays at {replicas}"
    noun = "replica" if replicas == 1 else "replicas"
    return f"{step.cause or load}: {change} {noun}" + (f" ({'; '.join(notes)})" if notes else "")


def _figure(value: float) -> str:
    """Two digits or more, without zeros at the end: ``0.05``, ``3.2``, ``12``, ``340``."""
    text = f"{value:.2g}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return text.removesuffix(".0")
