"""What commands do with services that are served: look, scale, split, roll out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from dockyard.errors import Conflict, InvalidInput, NotFound
from dockyard.serving import programs, publication
from dockyard.serving.decide import rollout as deciding
from dockyard.serving.decide import traffic
from dockyard.serving.decide.model import Criteria, Rollout, Step
from dockyard.serving.model import Scale, Service, Variant
from dockyard.serving.places import Serving
from dockyard.serving.records import Decided, Declared, Standing
from dockyard.serving.store import ServingStore

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A variant as ``services`` shows it."""

    service: Service
    variant: Variant
    standing: Standing
    share: float
    """Percent of the traffic that it is to get."""
    rollout: Rollout | None = None
    problem: str = ""
    """Why the gateway doesn't serve it."""


class Services:
    """The services of one root that are served."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = ServingStore(engine.database)

    def all(self) -> tuple[Status, ...]:
        """All variants, by project and service."""
        standings, rollouts = self._store.standings(), self._store.rollouts()
        problems = publication.read(Serving(self._engine.paths)).problems
        found: list[Status] = []
        for each in self._store.all():
            service = each.service
            rolled = rollouts.get((service.project, service.name))
            legs = traffic.legs(service, each.weights, _ever_ready(each, standings), rolled)
            shares = traffic.percentages(legs)
            found += [
                Status(
                    service=service,
                    variant=each.variant(one.name),
                    standing=standings.get((service.project, one.name), Standing()),
                    share=shares.get(one.name, 0.0),
                    rollout=rolled,
                    problem=problems.get(f"{service.project}/{service.name}", ""),
                )
                for one in service.variants
            ]
        return tuple(found)

    def find(self, text: str) -> tuple[Declared, str]:
        """The service that ``NAME`` or ``PROJECT/NAME`` means, and the variant: its own one where
        the service is named.

        Raises:
            NotFound: there is none, with near names.
            Conflict: several projects have it.
        """
        project, slash, name = text.rpartition("/")
        every = [(each, one.name) for each in self._store.all() for one in each.service.variants]
        found = [
            (each, one)
            for each, one in every
            if one == name and (not slash or each.service.project == project)
        ]
        if not found:
            raise _missing(text, [one for _, one in every])
        if len(found) > 1:
            names = ", ".join(f"{each.service.project}/{one}" for each, one in found)
            raise Conflict(f"several projects have a service {name}", hint=f"say which: {names}")
        return found[0]

    def scale(self, text: str, scale: Scale | None) -> Declared:
        """Sets how many replicas a variant may have; ``None`` goes back to the file's.

        Raises:
            NotFound, Conflict: as :meth:`find`.
        """
        declared, name = self.find(text)
        service = declared.service

        def change(before: Declared) -> Declared:
            scales = {key: one for key, one in before.scales.items() if key != name}
            return replace(before, scales=scales if scale is None else scales | {name: scale})

        return self._change(service, change)

    def split(self, weights: Mapping[str, int]) -> Declared:
        """Sets the split of a service's traffic, by the names of its variants.

        Raises:
            NotFound, InvalidInput: a name is no variant of the same service, or a weight no such.
            Conflict: a rollout goes on, which would set others.
        """
        declared, _ = self.find(next(iter(weights)))
        service = declared.service
        names = {text.rpartition("/")[2]: weight for text, weight in weights.items()}
        projects = {text.rpartition("/")[0] for text in weights} - {"", service.project}
        if projects or len(names) < len(weights):
            raise InvalidInput(
                "these are not variants of one service, each once",
                hint=f"{service.project}/{service.name} has"
                f" {', '.join(one.name for one in service.variants)}",
            )
        whole = traffic.checked(service, names)
        if self._active(service) is not None:
            raise Conflict(
                f"a rollout of {service.name} goes on, and decides on its traffic",
                hint=f"dockyard rollout promote {service.name}, or rollback, ends it",
            )
        return self._change(service, lambda before: replace(before, weights=whole))

    def begin_rollout(
        self, canary: str, steps: Sequence[Step] = (), criteria: Criteria | None = None
    ) -> Rollout:
        """Begins to send more and more of a service's traffic to one of its variants.

        Raises:
            NotFound, InvalidInput: there is no such variant, or the steps make no sense.
            Conflict: there is a rollout already.
        """
        declared, name = self.find(canary)
        service = declared.service
        if self._active(service) is not None:
            raise Conflict(
                f"a rollout of {service.name} goes on",
                hint=f"dockyard rollout status {service.name}",
            )
        before = traffic.asked(service, declared.weights)
        begun = deciding.begin(
            service.project, service.name, name, before, time.time(),
            steps=steps or deciding.DEFAULT_STEPS, criteria=criteria or Criteria(),
        )  # fmt: skip
        self._store.put_rollout(begun)
        self._tell(service.project, name, f"begun, with steps of {_steps(begun)}")
        self._wake()
        return begun

    def end_rollout(self, text: str, *, promote: bool) -> Rollout:
        """Gives a rollout's canary all of the traffic, or none.

        Raises:
            NotFound: there is no rollout that goes on.
        """
        declared, _ = self.find(text)
        service = declared.service
        rollout = self._active(service)
        if rollout is None:
            raise NotFound(
                f"no rollout of {service.name} goes on",
                hint=beginning(service),
            )
        state = "promoted" if promote else "rolled-back"
        after = msgspec.structs.replace(rollout, state=state, why="by a command", since=time.time())
        if not self._store.finish_rollout(rollout, after, deciding.weights_after(after)):
            return self.end_rollout(text, promote=promote)  # it has just gone on
        self._tell(service.project, after.canary, f"{state} by a command")
        self._wake()
        return after

    def rollout(self, text: str) -> Rollout | None:
        """The last rollout of a service."""
        declared, _ = self.find(text)
        return self._store.rollouts().get((declared.service.project, declared.service.name))

    def explain(self, text: str, count: int) -> tuple[Decided, ...]:
        """The last decisions about a variant, oldest first."""
        declared, name = self.find(text)
        return self._store.decisions(declared.service.project, name, count)

    def _active(self, service: Service) -> Rollout | None:
        found = self._store.rollouts().get((service.project, service.name))
        return found if found is not None and traffic.is_active(found) else None

    def _change(self, service: Service, change: Callable[[Declared], Declared]) -> Declared:
        after = self._store.change(service.project, service.name, change)
        if after is None:
            raise NotFound(f"service {service.name} was taken down meanwhile", hint="dockyard up")
        self._wake()
        return after

    def _tell(self, project: str, variant: str, text: str) -> None:
        self._store.tell(Decided(time.time(), project, variant, "rollout", text))

    def _wake(self) -> None:
        programs.wake(self._engine.paths)


def _ever_ready(declared: Declared, standings: Mapping[tuple[str, str], Standing]) -> set[str]:
    project = declared.service.project
    return {
        one.name
        for one in declared.service.variants
        if standings.get((project, one.name), Standing()).ever_ready
    }


def beginning(service: Service) -> str:
    """How a rollout of a service is begun, as a hint."""
    beside = [one.name for one in service.variants[1:] if not one.shadow]
    if not beside:
        return f"a service with variant_of: {service.name} would be what a rollout is of"
    return f"dockyard rollout start {beside[0]} begins one"


def _steps(rollout: Rollout) -> str:
    return ", ".join(f"{step.weight} %" for step in rollout.steps)


def _missing(text: str, known: Sequence[str]) -> NotFound:
    import difflib

    near = difflib.get_close_matches(text.rpartition("/")[2], known, n=1)
    hint = f"did you mean {near[0]}?" if near else "dockyard services lists those that are served"
    return NotFound(f"no such service: {text}", hint=hint, reference="no-such-service")


def parse_scale(text: str, before: Scale) -> Scale | None:
    """``3``, ``0..8`` or ``auto``, as ``scale`` takes it. Pure.

    Raises:
        InvalidInput: it is none of these.
    """
    if text == "auto":
        return None
    low, dots, high = text.partition("..")
    numbers = [int(one) for one in ((low, high) if dots else (low, low)) if one.isdecimal()]
    if len(numbers) != 2 or numbers[0] > numbers[1] or numbers[1] < 1:
        raise InvalidInput(
            f"no such number of replicas: {text}",
            hint="3 for three, 0..8 for a range, auto for what the file says",
        )
    return replace(before, min=numbers[0], max=numbers[1])
