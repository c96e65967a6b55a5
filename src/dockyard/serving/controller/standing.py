"""How a variant stands after something happened to its replicas. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dockyard.serving.controller.model import Replica
from dockyard.serving.decide import backoff
from dockyard.serving.records import Condition, Standing

_KILLED = 128
_NAMES = {137: "killed", 143: "ended by SIGTERM", 139: "crashed (SIGSEGV)", 134: "aborted"}


def end_reason(replica: Replica) -> str:
    """How a replica ended, in one line that clients may see."""
    if replica.oom_killed:
        limit = f" (its limit is {replica.memory >> 20} MiB)" if replica.memory else ""
        return f"{replica.name} was killed for its memory{limit}"
    if replica.exit_code in _NAMES:
        return f"{replica.name} was {_NAMES[replica.exit_code]}"
    return f"{replica.name} exited with code {replica.exit_code}"


def failed(
    standing: Standing, reason: str, now: float, *, ran: float = 0.0, hopeless: bool = False,
    last_words: str = "",
) -> Standing:  # fmt: skip
    """After a replica ended, or couldn't be made; see :func:`backoff.failed`."""
    failures = backoff.failed(standing.failures, reason, now, ran=ran, hopeless=hopeless)
    return replace(standing, failures=failures, last_words=last_words)


def settled(
    standing: Standing,
    replicas: Sequence[Replica],
    served: float,
    now: float,
    *,
    suspended: bool,
    template: str = "",
    note: str = "",
) -> Standing:
    """With the condition that follows from its replicas.

    Args:
        served: seconds for which a replica has been ready, the longest.
        template: hash of what new replicas are made from.
        note: why there are fewer replicas than wanted.
    """
    ready = sum(each.state == "ready" for each in replicas)
    failures = backoff.settled(standing.failures, served, now) if ready else standing.failures
    condition: Condition = backoff.condition(failures, ready, now)
    if suspended:
        condition = "suspended"
    elif condition == "starting" and standing.wanted == 0:
        condition = "idle"
    current = sum(each.state == "ready" and each.template == template for each in replicas)
    told = ": ".join(filter(None, (failures.reason, standing.last_words)))
    reason = told if failures.count and not current else note
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
