"""From what a step changed to layers: one, or several by the packages that are in it."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import Literal, cast

import msgspec

from dockyard.build import graph
from dockyard.build.remote.address import Git
from dockyard.build.solver import Cancellation
from dockyard.containers.parts import Parts
from dockyard.containers.workspace import Workspace
from dockyard.errors import BuildError, InvalidInput
from dockyard.images.model import Layer, Times
from dockyard.images.packages import budget
from dockyard.images.packages.divide import divide
from dockyard.images.packages.model import UNDIVIDED, Division

Layering = Literal["packages", "plain"]
"""Whether Python distributions get layers of their own, or a step is one layer always."""

_RULES = "packages.1"
"""Part of the keys of steps that may be divided: other rules make other layers."""


def parse_layering(text: str) -> Layering:
    """``--layers``.

    Raises:
        InvalidInput: it is neither.
    """
    if text not in {"packages", "plain"}:
        raise InvalidInput(f"invalid layers {text!r}", hint="packages or plain")
    return cast("Layering", text)


class Published(msgspec.Struct, frozen=True):
    """Layers of a step: to come, and where each is already."""

    layers: tuple[Future[Layer], ...]
    paths: tuple[str, ...]
    division: Division


class Publisher:
    """Makes layers of what the steps of one build changed.

    Args:
        holder: whose the layers are until they are recorded.
        sealers: hash them, beside the next steps.
    """

    def __init__(
        self,
        parts: Parts,
        plan: graph.Plan,
        layering: Layering,
        holder: str,
        sealers: Executor,
        cancellation: Cancellation,
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._divides = layering == "packages"
        self._holder = holder
        self._sealers = sealers
        self._cancellation = cancellation
        self._to_come = steps_above(plan)

    def rules(self, operation: graph.Operation) -> str:
        """What of the layering the result of a step depends on; part of its key."""
        return _RULES if self._divides and _may_install(operation) else ""

    def level(self, index: int, below: int) -> budget.Level:
        """How many layers a step may make on so many others."""
        return budget.level(below, self._to_come.get(index, 0))

    def publish(self, workspace: Workspace, index: int, below: int) -> Published:
        """Makes layers of the workspace's changes, which are normalised.

        Args:
            below: how many layers the step stands on.

        Raises:
            BuildError: the build was cancelled meanwhile.
            StateError: the files can't be read or moved.
        """
        vertex = self._plan.vertices[index]
        directories: tuple[str, ...] = (workspace.upper,)
        division = UNDIVIDED
        if self.rules(vertex.operation):
            divided = divide(
                workspace.upper, f"{workspace.path}/layers", self.level(index, below),
                lambda: self._cancellation.requested,
            )  # fmt: skip
            directories, division = divided.directories, divided.division
            if self._cancellation.requested:
                raise BuildError("canceled", reference="canceled")
        store, times = self._parts.layers, times_of(vertex)
        ids = [
            store.publish(each, holder=self._holder, epoch=vertex.epoch, times=times)
            for each in directories
        ]
        sync = store.sync()
        futures = [self._sealers.submit(store.seal, each, sync=sync) for each in ids]
        return Published(tuple(futures), tuple(map(self._parts.paths.layer, ids)), division)


def steps_above(plan: graph.Plan) -> dict[int, int]:
    """For each vertex how many may make layers on top of it, at most. Pure."""
    needed = plan.needed()
    found = dict.fromkeys(needed, 0)
    for vertex in reversed(needed):
        for below in plan.vertices[vertex].inputs[:1]:
            found[below] = max(found[below], found[vertex] + 1)
    return found


def times_of(vertex: graph.Vertex) -> Times:
    """Files of the context get exactly the epoch; all others keep earlier times of their own."""
    operation = vertex.operation
    if isinstance(operation, Git):  # a checkout has no times of its own
        return "epoch"
    if not isinstance(operation, graph.Copy):
        return "clamp"
    elsewhere = operation.sources and all(source.input for source in operation.sources)
    return "clamp" if elsewhere else "epoch"


def _may_install(operation: graph.Operation) -> bool:
    return isinstance(operation, graph.Run | graph.Copy)
