"""What a scaler remembers, and the means that it decides by. Pure.

A sample stands for the time since the one before it, so that a mean is one over time however often
somebody looked. Samples that don't follow each other (the controller was away, or the clock was
set) say nothing about the time between: what was known before is dropped then, and nothing is taken
away until a whole stable window has been seen again.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dockyard.serving.decide.model import History, Sample

STABLE = 60.0
PANIC = 6.0
TICK = 2.0
"""Seconds between looks, where nothing wakes the controller before."""
GAP = 15.0
"""Seconds without a sample after which those before it are no history of this one."""
_LONGEST = 2 * TICK
"""A sample stands for no longer than this."""


def remember(history: History, sample: Sample, now: float) -> History:
    """The history with one more sample, at most as old as the stable window.

    Args:
        now: by the clock of ``sample.at``, which may step in either direction.
    """
    sample = msgspec.structs.replace(sample, at=min(sample.at, now))
    if history.samples and not 0 <= sample.at - history.samples[-1].at <= GAP:
        return _after_gap(history, sample, now)
    busy_at = history.busy_at if history.samples and not is_busy(sample) else now
    samples = tuple(one for one in history.samples if one.at > now - STABLE)
    return msgspec.structs.replace(history, samples=_joined(samples, sample), busy_at=busy_at)


def _after_gap(history: History, sample: Sample, now: float) -> History:
    """Where there is no replica, none can be taken away by mistake."""
    return msgspec.structs.replace(
        history, samples=(sample,), busy_at=now, panic_since=None, panic_peak=0,
        hold_until=now + STABLE if history.replicas else 0.0,
    )  # fmt: skip


def _joined(samples: tuple[Sample, ...], new: Sample) -> tuple[Sample, ...]:
    """What is woken often looks often: samples within half a tick become one, of the same mean."""
    if len(samples) < 2 or new.at - samples[-2].at >= TICK / 2:
        return (*samples, new)
    last = samples[-1]
    whole = new.at - samples[-2].at
    share = (new.at - last.at) / whole if whole > 0 else 1.0
    joined = Sample(
        at=new.at,
        load=last.load + (new.load - last.load) * share,
        requests=last.requests + (new.requests - last.requests) * share,
        came=last.came + new.came,
    )
    return (*samples[:-1], joined)


def is_busy(sample: Sample) -> bool:
    """True where there are requests, or were since the sample before."""
    return sample.requests > 0 or sample.came > 0


def mean(samples: tuple[Sample, ...], window: float, value: Callable[[Sample], float]) -> float:
    """The mean over time of something of the samples, in the last ``window`` seconds.

    Args:
        samples: at least one, oldest first; the window ends with the last.
    """
    end, total, weight = samples[-1].at, 0.0, 0.0
    for place in range(len(samples) - 1, -1, -1):
        sample = samples[place]
        if sample.at <= end - window:
            break
        previous = samples[place - 1].at if place else sample.at - TICK
        length = sample.at - max(previous, sample.at - _LONGEST, end - window)
        if length > 0:
            total += value(sample) * length
            weight += length
    return total / weight if weight else value(samples[-1])
