"""What is done about one variant: figures to a decision, a decision to what the fleet does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from dockyard.containers.options import Networking
from dockyard.serving.activator.model import Stats
from dockyard.serving.controller import figures, standing
from dockyard.serving.controller.figures import Seen
from dockyard.serving.controller.fleet import Fleet
from dockyard.serving.controller.model import Replica, Wishes
from dockyard.serving.controller.plan import plan
from dockyard.serving.controller.ports import Load
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.decide import refusals, scale
from dockyard.serving.decide.model import History
from dockyard.serving.model import Variant, target_id
from dockyard.serving.records import Declared, Standing
from dockyard.serving.store import Key


class Keeper:
    """Remembers what was seen last, for rates; everything else is in its arguments."""

    def __init__(self, fleet: Fleet, reporter: Reporter) -> None:
        self._fleet = fleet
        self._reporter = reporter
        self._loads: Mapping[str, Load] | None = None
        self._stats: Stats | None = None
        self._seen: dict[Key, Seen] = {}
        self._cpu: dict[str, int] = {}
        self._told: set[str] = set()

    def see(
        self, loads: Mapping[str, Load] | None, stats: Stats | None,
        cpu: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Takes what gateway and activator count now.

        Args:
            cpu: nanoseconds of processors that replicas have used, by container.
        """
        self._loads, self._stats = loads, stats
        self._cpu = dict(cpu or {})

    def forget(self, present: Collection[str]) -> None:
        """Forgets replicas that aren't there any more."""
        self._told &= set(present)

    def decide(
        self, key: Key, variant: Variant, stands: Standing, replicas: Sequence[Replica], now: float
    ) -> tuple[int, History, str]:  # fmt: skip
        """How many replicas a variant is to have; as before where nothing can be seen."""
        target = target_id(*key)
        load = None if self._loads is None else self._loads.get(target, Load())
        held = None if self._stats is None else self._stats.targets.get(target)
        total = load.total if load is not None else held.total if held is not None else 0
        seen = Seen(at=now, total=total, by_gateway=load is not None, cpu={
            each.id: self._cpu[each.id] for each in replicas if each.id in self._cpu
        })  # fmt: skip
        before = self._seen.get(key, Seen())
        last = stands.history.samples[-1].load if stands.history.samples else 0.0
        sample = figures.sample(variant.scale.metric, before, seen, load, held, last)
        if now - before.at >= figures.LEAST:
            self._seen[key] = seen
        ready = sum(each.state == "ready" for each in replicas)
        if sample is None:
            wanted = min(max(stands.wanted, variant.scale.min), variant.scale.max)
            return wanted, stands.history, "neither gateway nor activator tell their figures"
        found = scale.decide(
            variant.scale, variant.grace, stands.history, ready, sample, now,
            limit=variant.concurrency,
        )  # fmt: skip
        return found.replicas, found.history, found.why

    def keep(
        self, key: Key, declared: Declared, variant: Variant, replicas: Sequence[Replica],
        count: int, may_start: int,
    ) -> tuple[Replica, ...]:  # fmt: skip
        """Begins what the plan says; the replicas as they are then."""
        template = declared.templates[variant.name]
        wishes = Wishes(
            replicas=count, template=template.hash, may_start=may_start,
            alone=_is_alone(template.options.networking),
        )  # fmt: skip
        found = plan(wishes, replicas, self._fleet.pending(key))
        by_id = {each.id: each for each in replicas}
        for each in found.drain:
            self._reporter.decided(key, "drain", f"{by_id[each].name} finishes what it has")
            self._fleet.drain(by_id[each], declared.service.timeout)
        for each in found.remove:
            self._fleet.remove(by_id[each])
        numbers = [each.number for each in replicas]
        for _ in range(found.start):
            self._fleet.start(key, declared.service.name, template, numbers)
        gone = {*found.drain, *found.remove}
        return tuple(
            replace(each, state="draining") if each.id in gone and each.state != "ended" else each
            for each in replicas
        )

    def settled(
        self, key: Key, declared: Declared, variant: Variant, stands: Standing,
        replicas: Sequence[Replica], now: float, note: str,
    ) -> Standing:  # fmt: skip
        """How the variant stands after that.

        Args:
            note: why there are fewer replicas than wanted.
        """
        served = max(
            (now - self._fleet.ready_since[each.id] for each in replicas
             if each.id in self._fleet.ready_since),
            default=0.0,
        )  # fmt: skip
        stands, queue = self._queue(key, declared, stands, now)
        starting = standing.starting_note(replicas, variant, self._fleet.obstacles, now)
        return standing.settled(
            stands, replicas, served, now, suspended=declared.suspended,
            template=declared.templates[variant.name].hash, notes=(note, starting, queue),
        )  # fmt: skip

    def _queue(
        self, key: Key, declared: Declared, stands: Standing, now: float
    ) -> tuple[Standing, str]:
        """What is to be said of a variant's queue, and what is remembered for it."""
        targets = {} if self._stats is None else self._stats.targets
        held = targets.get(target_id(*key))
        if held is None:
            found, waiting = refusals.passed(stands.refusals, now), 0
        else:
            found = refusals.counted(stands.refusals, held.overflowed, now)
            waiting = held.waiting
        told = refusals.reason(found, waiting, declared.service.queue.max)
        return replace(stands, refusals=found), told

    def is_late(self, replica: Replica, variant: Variant, now: float) -> bool:
        """Whether a replica had its time to become ready."""
        waited = self._fleet.awaited(replica, now)
        return replica.state == "starting" and waited > variant.ready.deadline

    def ended(
        self, key: Key, stands: Standing, replica: Replica, words: Sequence[str], ran: float,
        now: float,
    ) -> Standing:  # fmt: skip
        """After a replica's end that nobody asked for; its last lines go to the log."""
        if not self._is_news(replica):
            return stands
        reason = standing.end_reason(replica)
        said = self._tell_failed(key, replica, reason, words)
        return standing.failed(stands, reason, now, ran=ran, last_words=said)

    def late(
        self, key: Key, stands: Standing, replica: Replica, variant: Variant,
        words: Sequence[str], now: float,
    ) -> Standing:  # fmt: skip
        """After a replica wasn't ready in time, which is removed; its last lines go to the log."""
        if replica.id in self._fleet.ready_since or not self._is_news(replica):
            return stands  # it became ready while its lines were read, or was told before
        obstacle = self._fleet.obstacles.get(replica.id, "")
        reason = standing.late_reason(replica, variant, obstacle)
        said = self._tell_failed(key, replica, reason, words)
        self._fleet.remove(replica)
        return standing.failed(stands, reason, now, late=True, last_words=said)

    def _is_news(self, replica: Replica) -> bool:
        """Whether its failure wasn't told yet; from now on it was."""
        if replica.id in self._told:
            return False
        self._told.add(replica.id)
        return True

    def _tell_failed(self, key: Key, replica: Replica, reason: str, words: Sequence[str]) -> str:
        """Tells a failure with what the replica printed last; the last line of that."""
        said = words[-1] if words else ""
        self._reporter.decided(key, "fail", f"{reason}: {said}" if said else reason)
        for line in words:
            self._reporter.log(key, f"{replica.name}: {line}")
        return said

    def start_failed(
        self, key: Key, stands: Standing, reason: str, now: float, *, hopeless: bool
    ) -> Standing:
        """After a replica couldn't be made: most often the next one can't either."""
        line = " ".join(reason.split())
        self._reporter.decided(key, "fail", line)
        return standing.failed(stands, line, now, hopeless=hopeless)


def _is_alone(networking: Networking) -> bool:
    """Whether a replica can't be beside another: a port of the host, or an address, is its own."""
    fixed = any(one.host_port and not one.last_host_port for one in networking.ports)
    return fixed or any(one.ip or one.ip6 or one.mac for one in networking.connections or ())
