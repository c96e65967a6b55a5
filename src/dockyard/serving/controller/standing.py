"""How a variant stands after something happened to its replicas. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from dockyard.serving.controller.model import Replica
from dockyard.serving.decide import backoff
from dockyard.serving.decide.backoff import Failures
from dockyard.serving.model import Variant
from dockyard.serving.records import Condition, Standing

PATIENCE = 5.0
"""Seconds that a replica may start for before it is said what keeps it from being ready."""
_GRAIN = 16 << 20
_NAMES = {
    137: "was killed", 143: "was ended by SIGTERM", 139: "crashed (SIGSEGV)", 134: "was aborted",
}  # fmt: skip


def end_reason(replica: Replica) -> str:
    """How a replica ended, in one line that clients may see."""
    if replica.oom_killed:
        limit = f" (its limit is {replica.memory >> 20} MiB)" if replica.memory else ""
        return f"{replica.name} was killed for its memory{limit}"
    if replica.exit_code in _NAMES:
        return f"{replica.name} {_NAMES[replica.exit_code]}"
    return f"{replica.name} exited with code {replica.exit_code}"


def late_reason(replica: Replica, variant: Variant, obstacle: str) -> str:
    """Why a replica counts as failed that had its time to become ready."""
    return (
        f"{replica.name} wasn't ready within {variant.ready.deadline:g} s:"
        f" {asked(variant)}: {obstacle or 'no answer'}"
    )


def starting_note(
    replicas: Sequence[Replica], variant: Variant, obstacles: Mapping[str, str], now: float
) -> str:
    """What keeps replicas from becoming ready that have run for a while: of the oldest.

    Args:
        obstacles: by container, as the last probe says.
    """
    found = [
        each for each in replicas
        if each.state == "starting" and 0 < each.started <= now - PATIENCE and each.id in obstacles
    ]  # fmt: skip
    if not found:
        return ""
    oldest = min(found, key=lambda each: each.started)
    age = f"{now - oldest.started:.0f} s"
    return f"{oldest.name} runs for {age}; {asked(variant)}: {obstacles[oldest.id]}"


def asked(variant: Variant) -> str:
    """What a replica is probed by."""
    where = f"port {variant.port}"
    if variant.protocol == "h2c":
        return f"HTTP/2 on {where}"
    return f"GET {variant.ready.path} on {where}" if variant.ready.path else where


def failed(
    standing: Standing, reason: str, now: float, *, ran: float = 0.0, hopeless: bool = False,
    late: bool = False, last_words: str = "",
) -> Standing:  # fmt: skip
    """After a replica ended, or couldn't be made; see :func:`backoff.failed`."""
    failures = backoff.failed(standing.failures, reason, now, ran=ran, hopeless=hopeless, late=late)
    return replace(standing, failures=failures, last_words=last_words)


def of_another_version(standing: Standing, replicas: Sequence[Replica]) -> Standing:
    """After what is declared has changed: nothing that was learned of the version before counts,
    but that its replicas serve where some do."""
    serves = any(each.state == "ready" for each in replicas)
    return replace(
        standing, failures=Failures(), memory_peak=0, ever_ready=standing.ever_ready and serves
    )


def with_peak(standing: Standing, taken: int) -> Standing:
    """With the most memory that a replica was seen to use, in coarse steps: it is written down.

    Args:
        taken: bytes of the largest replica now.
    """
    peak = -(-taken // _GRAIN) * _GRAIN
    return replace(standing, memory_peak=peak) if peak > standing.memory_peak else standing


def settled(
    standing: Standing,
    replicas: Sequence[Replica],
    served: float,
    now: float,
    *,
    suspended: bool,
    template: str = "",
    notes: Sequence[str] = (),
) -> Standing:
    """With the condition that follows from its replicas, and the reason.

    Args:
        served: seconds for which a replica has been ready, the longest.
        template: hash of what new replicas are made from.
        notes: why there are fewer replicas than wanted, and what else isn't as it should be; the
            empty ones say nothing.
    """
    ready = sum(each.state == "ready" for each in replicas)
    failures = backoff.settled(standing.failures, served, now) if ready else standing.failures
    condition: Condition = backoff.condition(failures, ready, now)
    if suspended:
        condition = "suspended"
    elif condition == "starting" and standing.wanted == 0:
        condition = "idle"
    current = sum(each.state == "ready" and each.template == template for each in replicas)
    found = (_failure(failures, standing.last_words, now, serves=current > 0), *notes)
    reason = "; ".join(dict.fromkeys(filter(None, found)))
    return replace(
        standing,
        failures=failures,
        condition=condition,
        reason="it was stopped" if suspended else reason,
        ready=ready,
        template=template,
        current=current,
        replicas=sum(each.state != "ended" for each in replicas),
        ever_ready=standing.ever_ready or ready > 0,
    )


def _failure(failures: Failures, last_words: str, now: float, *, serves: bool) -> str:
    """The last failure: while there is no replica without it, and for a while beside those."""
    if not failures.count:
        return ""
    since = now - failures.at
    if serves and not 0 <= since < backoff.QUIET:
        return ""
    reason = f"{failures.reason}, {since:.0f} s ago" if serves else failures.reason
    return ": ".join(filter(None, (reason, last_words)))
