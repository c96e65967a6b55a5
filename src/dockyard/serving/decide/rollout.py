"""A canary's way: is it worse than the stable version, and what becomes of it? Pure.

Two questions are asked, each with a test of its own (:mod:`.significance`): do more of its requests
fail, and are more of them slow? ``1 - confidence`` is the chance that a canary which is just like
the stable version is ever rolled back; the questions and the steps share it. docs/rollouts.md
explains it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from dockyard.errors import InvalidInput
from dockyard.serving.decide import backoff, significance
from dockyard.serving.decide.backoff import Failures
from dockyard.serving.decide.model import Criteria, Rollout, Step, Traffic, Verdict
from dockyard.serving.decide.traffic import with_share

DEFAULT_STEPS = (Step(weight=10), Step(weight=25), Step(weight=50))
DEFAULT_CRITERIA = Criteria()
USUAL_SLOW = 0.05
"""The share of the stable version's requests that is beyond its 95th percentile."""
UNWELL = 0.2
"""Where so many of both versions' requests fail, something else is wrong, and nobody promotes."""
DOUBT = 0.05
"""A canary that does worse, and would by chance in no more than so many cases, waits."""
_QUESTIONS = 2
_NOTHING = Traffic()


class _Count(msgspec.Struct, frozen=True):
    """Cases among requests."""

    cases: int
    size: int

    @property
    def share(self) -> float:
        return self.cases / self.size if self.size else 0.0

    def __str__(self) -> str:
        return f"{self.cases} of {self.size} ({100 * self.share:.1f} %)"


class _Finding(msgspec.Struct, frozen=True):
    """A canary does worse than it may; ``p_value`` is how often chance alone would look so."""

    p_value: float
    words: str


def begin(
    project: str, service: str, canary: str, before: Mapping[str, int], now: float, *,
    steps: Sequence[Step] = DEFAULT_STEPS, criteria: Criteria = DEFAULT_CRITERIA,
) -> Rollout:  # fmt: skip
    """A rollout at its first step.

    Args:
        before: the weights of all variants, to which a rollback goes back.

    Raises:
        InvalidInput: the canary is no variant, or the only one; steps don't grow from 1 to 100;
            criteria make no sense.
    """
    if canary not in before or len(before) < 2:
        raise InvalidInput(
            f"{canary} can't be a canary of {service}",
            hint=f"name a variant beside another one: {', '.join(before)}",
        )
    weights = [step.weight for step in steps]
    if not weights or weights[0] < 1 or weights[-1] > 100 or weights != sorted({*weights}):
        raise InvalidInput(
            f"steps of a rollout are no growing percentages: {weights}",
            hint="such as 10, 25, 50: after the last one the canary gets everything",
        )
    if any(not 0 <= step.pause < math.inf for step in steps):
        raise InvalidInput("a step's pause is negative", hint="seconds, such as 60")
    _require_sensible(criteria)
    return Rollout(
        project=project, service=service, canary=canary, steps=tuple(steps), criteria=criteria,
        since=now, before=dict(before), why=f"began with {weights[0]} % of the traffic",
    )  # fmt: skip


def _require_sensible(criteria: Criteria) -> None:
    sensible = (
        criteria.requests >= 1 and 0.5 <= criteria.confidence < 1
        and 0 <= criteria.error_margin < 1 and 1 <= criteria.latency_factor < math.inf
    )  # fmt: skip
    if not sensible:
        raise InvalidInput(
            "the criteria of a rollout make no sense",
            hint="requests from 1, confidence from 0.5 to below 1, error_margin from 0 to below 1,"
            " latency_factor from 1",
        )


def observed(rollout: Rollout, seconds: float, requests: int) -> Rollout:
    """The rollout after some time, of which only what had traffic counts towards the pause.

    Args:
        requests: that the canary got in these seconds.
    """
    if rollout.state != "running" or requests <= 0 or seconds <= 0:
        return rollout
    return msgspec.structs.replace(rollout, observed=rollout.observed + seconds)


def renewed(rollout: Rollout, versions: Mapping[str, str], now: float) -> Rollout:
    """A rollout after a version was replaced: what was counted of the one before says nothing of
    it, so the step begins anew.

    Args:
        versions: what variants are made from now, by name.
    """
    return msgspec.structs.replace(
        rollout, versions=dict(versions), since=now, observed=0.0, reference=_NOTHING,
        why="begins its step anew: another version",
    )  # fmt: skip


def collapse(rollout: Rollout, canary: Failures, others: Sequence[Failures]) -> Verdict | None:
    """A rollback, whatever was counted, for a canary whose replicas fail one after another.

    Not for failures from before its step. Nor where the stable version's replicas do as well:
    something else is wrong then.

    Args:
        others: of the variants that had traffic before it.
    """
    if rollout.state != "running" or canary.at < rollout.since or not backoff.is_told(canary):
        return None
    if others and all(backoff.is_told(each) for each in others):
        return None
    times = "once" if canary.count == 1 else f"{canary.count} times in a row"
    return Verdict(action="rollback", why=f"its replicas fail, {times}: {canary.reason}")


def unready(rollout: Rollout, reason: str) -> Verdict:
    """While no replica of the canary is ready.

    Args:
        reason: why not, where it is known.
    """
    words = f"{rollout.canary} isn't ready"
    return Verdict(action="wait", why=f"no verdict yet: {words}{f': {reason}' if reason else ''}")


def verdict(rollout: Rollout, canary: Traffic, stable: Traffic, now: float) -> Verdict:
    """What is to become of a rollout, by what was counted since its step began.

    Args:
        stable: of all other variants together.
        now: seconds since 1970, for the words alone: what counts is the time with traffic.
    """
    if rollout.state != "running":
        return Verdict(action="wait", why=f"it is {rollout.state}")
    least = rollout.criteria.requests
    if canary.requests < least:
        waited = f"{max(now - rollout.since, 0):.0f} s"
        words = f"{canary.requests} of {least} requests to {rollout.canary} in {waited}"
        return Verdict(action="wait", why=f"no verdict yet: {words}")
    known = stable if stable.requests >= least else _sum(stable, rollout.reference)
    findings = (_failing(rollout, canary, known), _slow(rollout, canary, known))
    found = min((one for one in findings if one is not None), key=_p_value, default=None)
    if found is not None and found.p_value <= _allowed(rollout, canary):
        return Verdict(action="rollback", why=found.words)
    return _onward(rollout, canary, known, found)


def _p_value(finding: _Finding) -> float:
    return finding.p_value


def _onward(rollout: Rollout, canary: Traffic, stable: Traffic, found: _Finding | None) -> Verdict:
    """For a canary that isn't surely worse."""
    failed, usual = _errors(canary), _errors(stable)
    figures = f"{failed} failed, of the stable version's {usual}"
    pause = rollout.steps[rollout.step].pause
    if failed.share > UNWELL:
        return Verdict(action="wait", why=f"too many fail to go on: {figures}")
    if rollout.observed < pause:
        words = f"{rollout.observed:.0f} of {pause:.0f} s with traffic"
        return Verdict(action="wait", why=f"{words}; {figures}")
    if found is not None and found.p_value <= DOUBT:
        return Verdict(action="wait", why=f"in doubt, waits for more: {found.words}")
    last = rollout.step + 1 >= len(rollout.steps)
    return Verdict(action="promote" if last else "advance", why=f"no worse: {figures}")


def _failing(rollout: Rollout, canary: Traffic, stable: Traffic) -> _Finding | None:
    """What speaks against a canary of which more requests fail than the margin lets.

    With next to no other requests to compare with, the margin itself is what may fail.
    """
    failed, usual = _errors(canary), _errors(stable)
    margin = rollout.criteria.error_margin
    if failed.share <= usual.share + margin:
        return None
    p_value = significance.p_value(failed.cases, failed.size, usual.cases, usual.size)
    if usual.size < rollout.criteria.requests and usual.share <= margin:
        chance = significance.binomial_p_value(failed.cases, failed.size, max(margin, 1e-3))
        p_value = min(p_value, chance)
    words = f"requests fail: {failed}, of the stable version's {usual}; p = {p_value:.1g}"
    return _Finding(p_value, words)


def _slow(rollout: Rollout, canary: Traffic, stable: Traffic) -> _Finding | None:
    """What speaks against a canary of which more requests are slow."""
    least = rollout.criteria.requests
    bound = slow_bound(stable.latencies, rollout.criteria.latency_factor)
    if bound is None or stable.requests < least:
        return None
    slow, usual = _beyond(canary.latencies, bound), _beyond(stable.latencies, bound)
    if slow.size < least or slow.share <= usual.share + USUAL_SLOW:
        return None
    p_value = significance.p_value(slow.cases, slow.size, usual.cases, usual.size)
    words = f"{slow} take longer than {bound:g} ms, of the stable version's {usual}"
    return _Finding(p_value, f"requests are slow: {words}; p = {p_value:.1g}")


def _allowed(rollout: Rollout, canary: Traffic) -> float:
    error = (1 - rollout.criteria.confidence) / _QUESTIONS / len(rollout.steps)
    return significance.allowed(error, rollout.criteria.requests, canary.requests)


def slow_bound(latencies: Mapping[float, int], factor: float) -> float | None:
    """The bound in milliseconds beyond which a request is slow; ``None`` where none can be told.

    The 95th percentile is interpolated within its bucket, and its multiple rounded up to a bound.
    """
    bounds = sorted(latencies)
    total = latencies[bounds[-1]] if bounds else 0
    if total == 0:
        return None
    rank, below, counted = (1 - USUAL_SLOW) * total, 0.0, 0
    for bound in bounds:
        if latencies[bound] >= rank:
            part = (rank - counted) / max(latencies[bound] - counted, 1)
            percentile = below + (bound - below) * part
            return next((one for one in bounds if factor * percentile <= one < math.inf), None)
        below, counted = bound, latencies[bound]
    return None


def _beyond(latencies: Mapping[float, int], bound: float) -> _Count:
    """Bounds that a histogram lacks count with the next lower one."""
    total = latencies[max(latencies)] if latencies else 0
    within = max((count for one, count in latencies.items() if one <= bound), default=0)
    return _Count(total - within, total)


def _errors(traffic: Traffic) -> _Count:
    return _Count(min(traffic.errors, traffic.requests), traffic.requests)


def _sum(one: Traffic, other: Traffic) -> Traffic:
    """Of histograms with the same bounds; where one is empty, the other's."""
    latencies = {
        bound: one.latencies.get(bound, 0) + other.latencies.get(bound, 0)
        for bound in {*one.latencies, *other.latencies}
    }
    return Traffic(
        requests=one.requests + other.requests, errors=one.errors + other.errors,
        latencies=latencies,
    )  # fmt: skip


def advance(rollout: Rollout, given: Verdict, now: float, stable: Traffic = _NOTHING) -> Rollout:
    """The rollout after a verdict. The counts of the next step begin at 0.

    Args:
        stable: as counted in the step that ends.
    """
    if given.action == "wait":
        return msgspec.structs.replace(rollout, why=given.why)
    if given.action == "advance":
        step = rollout.step + 1
        known = (
            stable
            if stable.requests >= rollout.criteria.requests
            else _sum(stable, rollout.reference)
        )
        return msgspec.structs.replace(
            rollout, step=step, since=now, observed=0.0, reference=known, why=given.why
        )
    state = "promoted" if given.action == "promote" else "rolled-back"
    return msgspec.structs.replace(rollout, state=state, since=now, why=given.why)


def weights_after(rollout: Rollout) -> dict[str, int]:
    """The weights that stay when a rollout is over: all for a promoted canary, else as before."""
    if rollout.state == "promoted":
        return with_share(rollout.before, rollout.before, rollout.canary, 100)
    return dict(rollout.before)
