"""Rollouts on their way: what the gateway counted of them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from dockyard.serving.controller.counting import Counting
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.controller.tally import Manner
from dockyard.serving.decide import rollout as deciding
from dockyard.serving.decide import traffic
from dockyard.serving.decide.model import Rollout, Traffic, Verdict
from dockyard.serving.model import target_id
from dockyard.serving.records import Declared, Standing
from dockyard.serving.store import Key, ServingStore

_EVERY: Final = 1.0
"""Seconds between two verdicts."""


class Rollouts:
    """Advances, promotes and rolls back."""

    def __init__(self, store: ServingStore, reporter: Reporter, counting: Counting) -> None:
        self._store = store
        self._reporter = reporter
        self._counting = counting
        self._looked: dict[Key, tuple[float, int]] = {}

    def look(
        self, declared: Sequence[Declared], standings: Mapping[Key, Standing], now: float
    ) -> dict[Key, Rollout]:
        """The rollouts that go on, after what is due was done to them.

        Args:
            standings: of variants, as they were last.
        """
        known = {(each.service.project, each.service.name): each for each in declared}
        active = {
            key: each
            for key, each in self._store.rollouts().items()
            if key in known and traffic.is_active(each)
        }
        self._count(known, active)
        found = {}
        for key, each in active.items():
            if each.canary not in {one.name for one in known[key].service.variants}:
                self._abandon(each, now)
                continue
            after = self._advanced(key, known[key], each, standings, now)
            if traffic.is_active(after):
                found[key] = after
        return found

    def _abandon(self, rollout: Rollout, now: float) -> None:
        """Its variant left the file."""
        after = replace(rollout, state="rolled-back", since=now, why="its variant isn't there")
        self._store.finish_rollout(rollout, after, deciding.weights_after(after))

    def _count(self, known: Mapping[Key, Declared], active: Mapping[Key, Rollout]) -> None:
        wanted = {}
        for key, each in active.items():
            service = known[key].service
            for variant in service.variants:
                wanted[target_id(key[0], variant.name), each.since] = Manner(
                    always_held=variant.concurrency > 0, idempotent=service.idempotent
                )
        self._counting.read(wanted)

    def _advanced(
        self, key: Key, declared: Declared, rollout: Rollout, standings: Mapping[Key, Standing],
        now: float,
    ) -> Rollout:  # fmt: skip
        looked, requests = self._looked.get(key, (0.0, 0))
        if declared.suspended:
            self._looked.pop(key, None)
        if now - looked < _EVERY or declared.suspended:
            return rollout
        versions = {name: one.hash for name, one in declared.templates.items()}
        if rollout.versions and rollout.versions != versions:
            return self._renewed(key, rollout, versions, now)
        canary, stable = self._counted(key[0], declared, rollout)
        fresh = looked == 0.0 or canary.requests < requests
        passed = 0.0 if fresh else now - looked
        known = replace(rollout, versions=versions)
        seen = deciding.observed(known, passed, canary.requests - requests)
        verdict = _verdict(declared, seen, standings, (canary, stable), now)
        after = deciding.advance(seen, verdict, now, stable)
        if not self._save(rollout, after):  # a command has spoken meanwhile
            return self._store.rollouts().get(key, after)
        moved = after.step != rollout.step
        self._looked[key] = (now, 0 if moved else canary.requests)
        if after.why != rollout.why or moved:
            self._tell(key, rollout, after, verdict)
        return after

    def _renewed(
        self, key: Key, rollout: Rollout, versions: Mapping[str, str], now: float
    ) -> Rollout:
        """After a version was replaced."""
        after = deciding.renewed(rollout, versions, now)
        if not self._save(rollout, after):
            return self._store.rollouts().get(key, after)
        self._looked.pop(key, None)
        self._reporter.decided((key[0], after.canary), "rollout", after.why)
        return after

    def _counted(
        self, project: str, declared: Declared, rollout: Rollout
    ) -> tuple[Traffic, Traffic]:
        """The canary's traffic, and that of all other variants together."""
        names = [one.name for one in declared.service.variants if not one.shadow]
        of = {
            name: self._counting.of(target_id(project, name), rollout.since) for name in names
        }  # fmt: skip
        canary = of.pop(rollout.canary, Traffic())
        return canary, _summed(list(of.values()))

    def _tell(self, key: Key, before: Rollout, after: Rollout, verdict: Verdict) -> None:
        if verdict.action == "wait" and before.why.split(":")[0] == after.why.split(":")[0]:
            return
        self._reporter.decided(
            (key[0], before.canary), "rollout", f"{verdict.action}: {verdict.why}"
        )

    def _save(self, before: Rollout, after: Rollout) -> bool:
        """The weights that stay are the service's own once the rollout is over."""
        if traffic.is_active(after):
            return self._store.replace_rollout(before, after)
        return self._store.finish_rollout(before, after, deciding.weights_after(after))


def _verdict(
    declared: Declared, rollout: Rollout, standings: Mapping[Key, Standing],
    counted: tuple[Traffic, Traffic], now: float,
) -> Verdict:  # fmt: skip
    """By what was counted of the canary and of the others, and by how their replicas stand."""
    by_counts = deciding.verdict(rollout, *counted, now)
    stands = {name: standings.get((rollout.project, name), Standing()) for name in rollout.before}
    canary = stands.pop(rollout.canary, Standing())
    if canary.template not in {"", declared.templates[rollout.canary].hash}:
        return by_counts  # its replicas were others
    others = [one.failures for name, one in stands.items() if rollout.before[name]]
    collapsed = deciding.collapse(rollout, canary.failures, others)
    if collapsed is not None:
        return collapsed
    unready = by_counts.action != "rollback" and not canary.current
    return deciding.unready(rollout, canary.reason) if unready else by_counts


def _summed(parts: Sequence[Traffic]) -> Traffic:
    latencies: dict[float, int] = {}
    for each in parts:
        for bound, count in each.latencies.items():
            latencies[bound] = latencies.get(bound, 0) + count
    return Traffic(
        requests=sum(each.requests for each in parts),
        errors=sum(each.errors for each in parts),
        latencies=latencies,
    )
