"""What the decisions of scaling and rollouts are made from, and what they say."""

from __future__ import annotations

from typing import Literal

import msgspec


class Sample(msgspec.Struct, frozen=True):
    """What was seen of a variant at a moment: its whole load, over all replicas."""

    at: float
    """Seconds; of any clock that only goes forward."""
    load: float
    """Requests at a time (waiting ones as well), requests a second that come, processors in use by
    ready replicas, or waiting requests, by the metric."""
    requests: float = 0.0
    """Active and waiting ones, whatever the metric: a variant with any isn't idle."""
    came: float = 0.0
    """Requests that came since the sample before: a look at what is active misses short ones."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What a scaler remembers, stored after each decision."""

    samples: tuple[Sample, ...] = ()
    """No older than the stable window, oldest first."""
    panic_since: float | None = None
    """Since when, or ``None`` where calm; extended while the panic window says so."""
    panic_peak: int = 0
    busy_at: float = 0.0
    """When there last was a request; the end of a gap counts as one."""
    replicas: int | None = None
    """What was decided last; ``None`` before the first decision."""
    hold_until: float = 0.0
    """After a gap nothing is taken away before then."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """How many replicas a variant is to have, and why."""

    replicas: int
    why: str
    """One sentence with the figures: shown by ``explain``."""
    history: History
    panic: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the traffic that a canary gets for some time."""

    weight: int
    """Percent."""
    pause: float = 60.0
    """Seconds at least, with traffic, before the next one."""


class Criteria(msgspec.Struct, frozen=True, kw_only=True):
    """When a canary is worse than the stable version."""

    requests: int = 50
    """Canary requests before any verdict."""
    confidence: float = 0.999
    """Of the one-sided test on error rates, and on the share of slow requests."""
    error_margin: float = 0.01
    """So much more of the requests may fail before it counts."""
    latency_factor: float = 1.5
    """A request is slow beyond so many times the stable version's 95th percentile."""


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway counted of a variant within a step; docs/rollouts.md says what counts."""

    requests: int = 0
    errors: int = 0
    """5xx, and connections that broke, also those of which the client saw nothing."""
    latencies: dict[float, int] = {}
    """Cumulative counts by upper bound in milliseconds, ``inf`` last."""


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """A canary on its way. Times are seconds since 1970."""

    project: str
    service: str
    canary: str
    """Name of the variant."""
    steps: tuple[Step, ...]
    criteria: Criteria = Criteria()
    step: int = 0
    since: float = 0.0
    """When this step began."""
    observed: float = 0.0
    """Seconds of this step with traffic."""
    state: Literal["running", "promoted", "rolled-back"] = "running"
    why: str = ""
    before: dict[str, int] = {}
    """Weights to go back to, by variant."""
    versions: dict[str, str] = {}
    """What the variants are made from, by name; empty until it was looked at."""
    reference: Traffic = Traffic()
    """What was counted of the stable version in the step before: it counts as well where a step
    leaves that version too few requests."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a rollout now."""

    action: Literal["wait", "advance", "promote", "rollback"]
    why: str
