"""The controller's loop: what there is, what should be, what is done about it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dockyard.serving import publication
from dockyard.serving.controller import act, observe, room, usage, wiring
from dockyard.serving.controller.counting import Counting
from dockyard.serving.controller.fleet import Fleet
from dockyard.serving.controller.keeper import Keeper
from dockyard.serving.controller.model import Replica
from dockyard.serving.controller.ports import Activator, Gateway
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.controller.rollouts import Rollouts
from dockyard.serving.controller.standing import of_another_version, with_peak
from dockyard.serving.decide import backoff, traffic
from dockyard.serving.decide.model import History, Rollout
from dockyard.serving.decide.placement import Grant
from dockyard.serving.model import Variant
from dockyard.serving.places import Serving
from dockyard.serving.records import Declared, Standing
from dockyard.serving.store import Key, ServingStore

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_TICK: Final = 1.0
"""Seconds between two looks where nothing happens."""
_STRANGERS_SECONDS: Final = 30.0
"""What isn't served any more has so long to finish what it has."""
_BREATH: Final = 0.01
"""Seconds between two looks in any case: who waits for a busy replica wakes it again and again."""
_SOON: Final = 0.1
"""While the gateway is starting."""
_MEASURE_SECONDS: Final = 5.0
"""Between two looks at what all replicas use."""
_MADE_SECONDS: Final = 10.0
"""Within so long one that is made runs."""
_ADOPTION_SECONDS: Final = 2.0
"""So long a new controller waits for replicas that run to answer, before it says who is ready."""


class Controller:
    """Keeps the services of one root as they are to be."""

    def __init__(
        self, engine: Engine, gateway: Gateway, activator: Activator, reporter: Reporter,
        serving: Serving,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._store = ServingStore(engine.database)
        self._gateway = gateway
        self._activator = activator
        self._reporter = reporter
        self._sockets = serving.sockets
        self._woken = asyncio.Event()
        self._stopping = False
        self._published = False
        self._paths = serving
        self._standings = self._store.standings()
        self._fleet = Fleet(engine, self._store, reporter, self.wake, self._start_failed)
        self._keeper = Keeper(self._fleet, reporter)
        self._rollouts = Rollouts(self._store, reporter, Counting(serving.access_log))
        self._variants: dict[Key, Variant] = {}
        self._measured_at = 0.0

    def wake(self) -> None:
        """Has it look at once."""
        self._woken.set()

    def stop(self) -> None:
        """Has it end; replicas, gateway and activator stay as they are."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Goes on until it is told to stop."""
        await self._adopt()
        try:
            while not self._stopping:
                self._woken.clear()
                try:
                    await self._tick()
                except Exception as error:  # noqa: BLE001  # noted, and tried again
                    self._reporter.trouble("tick", f"{type(error).__name__}: {error}")
                await self._sleep()
        finally:
            await self._fleet.close()

    async def _sleep(self) -> None:
        begun = time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), _TICK if self._published else _SOON)
        await asyncio.sleep(max(_BREATH - (time.monotonic() - begun), 0))

    async def _adopt(self) -> None:
        """Replicas that serve already are known to be ready before anything is said of them."""
        declared = await asyncio.to_thread(self._store.all)
        present = await self._observe(declared)
        waiting = [
            replica
            for found in present.values()
            for replica in found
            if replica.backend is not None
        ]
        deadline = time.monotonic() + _ADOPTION_SECONDS
        while time.monotonic() < deadline:
            if all(each.id in self._fleet.ready_since for each in waiting):
                return
            await asyncio.sleep(0.01)

    async def _observe(self, declared: Sequence[Declared]) -> observe.Present:
        self._variants = {
            (each.service.project, one.name): one
            for each in declared
            for one in each.service.variants
        }
        finished = self._fleet.finished()
        present = await asyncio.to_thread(
            observe.replicas, self._engine, self._port, self._fleet.state
        )
        self._fleet.seen(finished)
        ids = {each.id for found in present.values() for each in found}
        self._fleet.forget(ids)
        self._keeper.forget(ids)
        for key, found in present.items():
            for each in found:
                self._fleet.watch(each)
                if key in self._variants and each.state == "starting":
                    self._fleet.probe(key, each, self._variants[key])
        return present

    def _port(self, key: Key) -> int:
        variant = self._variants.get(key)
        return variant.port if variant is not None else 0

    async def _tick(self) -> None:
        now = time.time()
        declared = await asyncio.to_thread(self._store.all)
        present = await self._observe(declared)
        loads = await asyncio.to_thread(self._gateway.loads)
        stats = await asyncio.to_thread(self._activator.stats)
        before = dict(self._standings)
        rollouts = await asyncio.to_thread(self._rollouts.look, declared, before, now)
        used = await asyncio.to_thread(usage.read, self._engine, self._measured(present, now))
        self._keeper.see(loads, stats, {each: one.cpu for each, one in used.items()})
        await self._note_ends(declared, present, now)
        wanted = {
            (each.service.project, variant.name): self._decide(
                each, variant, present, rollouts, now
            )
            for each in declared
            for variant in each.service.variants
        }
        peaks = self._peaks(present, used)
        grants = await asyncio.to_thread(
            room.grants, self._engine, declared, present, wanted, peaks
        )
        for each in declared:
            for variant in each.service.variants:
                with self._guarded(each, variant):
                    self._keep(each, variant, present, grants, now)
        await self._publish(declared, present, rollouts, now)
        if self._gateway.is_current:
            self._fleet.told()
        self._remove_strangers(declared, present)
        await asyncio.to_thread(self._record, declared, before)

    def _measured(self, present: observe.Present, now: float) -> list[str]:
        """Ready replicas of variants whose load is processors; once in a while all of them."""
        due = not 0 <= now - self._measured_at < _MEASURE_SECONDS
        self._measured_at = now if due else self._measured_at
        return [
            each.id
            for key, found in present.items()
            if key in self._variants and (due or self._variants[key].scale.metric == "cpu")
            for each in found
            if each.state == "ready"
        ]

    def _peaks(self, present: observe.Present, used: Mapping[str, usage.Usage]) -> dict[Key, int]:
        """The most memory that a replica of each variant was seen to use; it is remembered."""
        for key in self._standings.keys() & present.keys():
            taken = [used[each.id].memory for each in present[key] if each.id in used]
            self._standings[key] = with_peak(self._standings[key], max(taken, default=0))
        return {key: one.memory_peak for key, one in self._standings.items()}

    def _decide(
        self, declared: Declared, variant: Variant, present: observe.Present,
        rollouts: Mapping[Key, Rollout], now: float,
    ) -> int:  # fmt: skip
        """How many replicas a variant is to have, whatever there is room for."""
        key = (declared.service.project, variant.name)
        with self._guarded(declared, variant):
            self._standings[key] = self._decided(declared, variant, present, rollouts, now)
        return self._standings.setdefault(key, Standing()).wanted

    @contextlib.contextmanager
    def _guarded(self, declared: Declared, variant: Variant) -> Iterator[None]:
        """What goes wrong with one variant doesn't keep the others from their turn."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # noted, and tried again
            name = f"{declared.service.project}/{variant.name}"
            self._reporter.trouble(name, f"{type(error).__name__}: {error}")

    def _decided(
        self, declared: Declared, variant: Variant, present: observe.Present,
        rollouts: Mapping[Key, Rollout], now: float,
    ) -> Standing:  # fmt: skip
        project = declared.service.project
        key = (project, variant.name)
        standing = self._standings.get(key, Standing())
        if standing.template not in {"", declared.templates[variant.name].hash}:
            standing = of_another_version(standing, present.get(key, ()))
        if declared.suspended:
            wanted, history, why = 0, History(), "it was stopped by a command"
        else:
            held = traffic.held(
                declared.service, declared.variant(variant.name), declared.weights,
                self._ever_ready(declared), rollouts.get((project, declared.service.name)),
            )  # fmt: skip
            asked = replace(variant, scale=held)
            replicas = present.get(key, ())
            wanted, history, why = self._keeper.decide(key, asked, standing, replicas, now)
        if wanted != standing.wanted:
            self._reporter.decided(key, "scale", f"{standing.wanted} -> {wanted} replicas: {why}")
        return replace(standing, wanted=wanted, why=why, history=history)

    def _keep(
        self, declared: Declared, variant: Variant, present: observe.Present,
        grants: Mapping[Key, Grant], now: float,
    ) -> None:  # fmt: skip
        """Has the fleet do what brings a variant nearer to what it is to have."""
        key = (declared.service.project, variant.name)
        standing = self._standings[key]
        grant = grants.get(key, Grant(standing.wanted))
        waits = backoff.wait(standing.failures, now) > 0
        told = waits and standing.failures.reason == grant.why
        if grant.never and standing.wanted and not told:
            standing = self._keeper.start_failed(key, standing, grant.why, now, hopeless=True)
        may_start = 0 if grant.never or waits else grant.replicas
        found = self._keeper.keep(
            key, declared, variant, present.get(key, ()), grant.replicas, may_start
        )
        present[key] = found
        note = "" if grant.never else grant.why
        self._standings[key] = self._keeper.settled(
            key, declared, variant, standing, found, now, note
        )

    def _ever_ready(self, declared: Declared) -> frozenset[str]:
        project = declared.service.project
        return frozenset(
            one.name
            for one in declared.service.variants
            if self._standings.get((project, one.name), Standing()).ever_ready
        )

    async def _note_ends(
        self, declared: Sequence[Declared], present: observe.Present, now: float
    ) -> None:
        for each in declared:
            for variant in each.service.variants:
                key = (each.service.project, variant.name)
                for replica in present.get(key, ()):
                    if each.suspended:  # its end was asked for
                        continue
                    if self._is_abandoned(key, replica, now):
                        self._fleet.remove(replica)
                    elif replica.state == "ended" and replica.id not in self._fleet.leaving:
                        await self._note_end(key, replica, now)
                    elif self._keeper.is_late(replica, variant, now):
                        await self._note_late(key, replica, variant, now)

    def _is_abandoned(self, key: Key, replica: Replica, now: float) -> bool:
        """A controller was killed between making it and starting it: nobody is going to."""
        if replica.state != "starting" or replica.started or replica.process is not None:
            return False
        return now - replica.created > _MADE_SECONDS and not self._fleet.makes(key, replica.number)

    async def _note_end(self, key: Key, replica: Replica, now: float) -> None:
        words = await asyncio.to_thread(act.last_words, self._engine, replica.id)
        standing = self._standings.get(key, Standing())
        ran = self._fleet.ran(replica, now)
        self._standings[key] = self._keeper.ended(key, standing, replica, words, ran, now)

    async def _note_late(self, key: Key, replica: Replica, variant: Variant, now: float) -> None:
        words = await asyncio.to_thread(act.last_words, self._engine, replica.id)
        standing = self._standings.get(key, Standing())
        self._standings[key] = self._keeper.late(key, standing, replica, variant, words, now)

    def _start_failed(self, key: Key, reason: str, hopeless: bool) -> None:  # a callback
        """A replica couldn't be made: what the engine says is the reason."""
        standing = self._standings.get(key, Standing())
        self._standings[key] = self._keeper.start_failed(
            key, standing, reason, time.time(), hopeless=hopeless
        )

    def _remove_strangers(self, declared: Sequence[Declared], present: observe.Present) -> None:
        """Replicas of what isn't served any more go; ``down`` removes most of them itself."""
        known = {
            (each.service.project, one.name) for each in declared for one in each.service.variants
        }
        for key in present.keys() - known:
            for replica in present[key]:
                self._fleet.drain(replica, _STRANGERS_SECONDS)
        for key in self._standings.keys() - known:
            del self._standings[key]

    async def _publish(
        self, declared: Sequence[Declared], present: observe.Present,
        rollouts: Mapping[Key, Rollout], now: float,
    ) -> None:  # fmt: skip
        served, targets = [], []
        for each in sorted(declared, key=lambda one: one.since):
            project = each.service.project
            legs = traffic.legs(
                each.service, each.weights, self._ever_ready(each),
                rollouts.get((project, each.service.name)),
            )  # fmt: skip
            replicas = {one.name: present.get((project, one.name), ())
                        for one in each.service.variants}  # fmt: skip
            served.append(wiring.served(each, legs, replicas, self._sockets))
            for one in each.service.variants:
                standing = self._standings[project, one.name]
                retry = backoff.wait(standing.failures, now)
                targets.append(wiring.target(each, one, replicas[one.name], standing,
                                             self._sockets, retry))  # fmt: skip
        await asyncio.to_thread(self._activator.write, targets)
        if await asyncio.to_thread(self._gateway.write, served) or not self._published:
            await asyncio.to_thread(self._tell_published)

    def _tell_published(self) -> None:
        """Has commands that wait know what the gateway serves, and what it can't."""
        known = self._gateway.known
        if known is None:
            return
        publication.write(self._paths, known, self._gateway.problems())
        self._published = True

    def _record(self, declared: Sequence[Declared], before: Mapping[Key, Standing]) -> None:
        changed = {key: one for key, one in self._standings.items() if before.get(key) != one}
        known = {(each.service.project, one.name): each for each in declared
                 for one in each.service.variants}  # fmt: skip
        self._store.put_standings({key: one for key, one in changed.items() if key in known})
        self._reporter.write(self._store)
        self._gateway.rotate()
