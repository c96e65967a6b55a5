"""One step of a build: looked up in the cache, or done in a workspace and published."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future

from dockyard.build import graph
from dockyard.build.cache import Origin, key_of, key_of_base, key_of_nothing
from dockyard.build.choose import choose
from dockyard.build.choose import digest as digest_of
from dockyard.build.context import Tree
from dockyard.build.dockerfile.source import located
from dockyard.build.grants import StepOptions
from dockyard.build.layering import Publisher
from dockyard.build.mounts.prepare import Input, StepMounts, Supplies
from dockyard.build.ops import copy as copying
from dockyard.build.ops import run as running
from dockyard.build.remote.address import Git, Web
from dockyard.build.remote.fetch import Fetcher
from dockyard.build.sharing.session import Results
from dockyard.build.sight import ContextChanged, Sight
from dockyard.build.solver import Cancellation
from dockyard.containers.parts import Parts
from dockyard.containers.workspace import Workspace
from dockyard.errors import BuildError
from dockyard.images.model import Image, Layer
from dockyard.images.normalise import normalise
from dockyard.images.packages import budget
from dockyard.images.packages.model import UNDIVIDED, Division
from dockyard.system import mounts

_TRIES = 4
"""So often a step is begun whose files of the context change meanwhile."""
_STDERR = 2


class StepResult:
    """The layers that a step added, and all those below.

    The layers may be stacked at once; their digests come when they are hashed.
    """

    def __init__(
        self,
        key: str,
        layers: Sequence[Future[Layer]],
        paths: Sequence[str],
        below: StepResult | None,
        *,
        made: bool,
        entry: str | None = None,
        origin: Origin | None = None,
        division: Division = UNDIVIDED,
    ) -> None:
        self.key = key
        self.made = made
        """False for what came from the cache or is an existing image."""
        self.entry = entry or key
        """The key of the cache's entry, where that is another one."""
        self.origin = origin
        self.division = division
        self._layers = tuple(layers)
        self._paths = tuple(paths)
        self._below = below

    def sealed(self) -> tuple[Layer, ...]:
        """Its own layers, waiting for their digests."""
        return tuple(future.result() for future in self._layers)

    def stack(self) -> tuple[str, ...]:
        """Directories of all layers up to here, base first, for an overlay."""
        return (*(self._below.stack() if self._below else ()), *self._paths)

    def height(self) -> int:
        """How many layers there are up to here."""
        return len(self._paths) + (self._below.height() if self._below else 0)

    def stack_layers(self) -> tuple[Layer, ...]:
        """All layers up to here, waiting for those that are being hashed."""
        return (*(self._below.stack_layers() if self._below else ()), *self.sealed())


class StepRunner:
    """Does steps; what it needs for all of them."""

    def __init__(
        self,
        parts: Parts,
        plan: graph.Plan,
        images: Mapping[str, Image],
        contexts: Mapping[str, Tree],
        holder: str,
        cancellation: Cancellation,
        publisher: Publisher,
        supplies: Supplies,
        options: StepOptions,
    ) -> None:
        self._options = options
        self._mounts = StepMounts(parts, supplies, lambda: cancellation.requested)
        self._parts = parts
        self._plan = plan
        self._images = images
        self._contexts = contexts
        self._holder = holder
        self._cancellation = cancellation
        self._publisher = publisher
        self._fetcher = Fetcher(cancellation)

    def do(
        self,
        index: int,
        below: Sequence[StepResult],
        cache: Results | None,
        output: Callable[[int, bytes], None],
    ) -> StepResult:
        """The step's result, found or made; its key tells what files of the context are in it.

        Where these change all the time, such as a log, it has some state of them, and a key that
        nobody asks for again.

        Raises:
            BuildError: it failed, or the build was cancelled.
        """
        changed = ""
        for _ in range(_TRIES):
            sight = Sight()
            key, found = self._look_up(index, below, cache, sight)
            if found is not None:
                return found
            check = functools.partial(self._check, index, key, below, sight)
            try:
                return self._execute(index, key, below, check, output)
            except ContextChanged as error:
                changed = error.path
        output(_STDERR, f"/{changed} changes all the time: this step isn't cached\n".encode())
        return self._execute(index, key_of_nothing(), below, lambda _: None, output)

    def _check(
        self, index: int, key: str, below: Sequence[StepResult], before: Sight, copied: Sight
    ) -> None:
        """Refuses files that aren't those that the key was made of."""
        changed = before.changed(copied)
        if changed is None and before.fresh is not None:
            again, _ = self._look_up(index, below, None, Sight())
            changed = None if again == key else before.fresh
        if changed is not None:
            raise ContextChanged(changed)

    def _look_up(
        self, index: int, below: Sequence[StepResult], cache: Results | None, sight: Sight
    ) -> tuple[str, StepResult | None]:
        """The step's key, and its result where it needn't be done.

        Args:
            sight: gets what was seen of the context.
        """
        vertex = self._plan.vertices[index]
        if isinstance(vertex.operation, graph.Base):
            result = self._base(vertex.operation)
            return result.key, result
        if isinstance(vertex.operation, Git | Web):
            return self._look_up_remote(vertex, cache)
        with located(vertex.location):
            content = self._content(vertex, below, sight)
        alone = _stands_alone(vertex.operation)
        if alone:
            content = f"{content} on {_root_of(below[0].stack())}"
        rules = self._publisher.rules(vertex.operation)
        key = key_of(vertex, _keys(vertex.operation, below), content, rules)
        return key, None if cache is None else self._cached(index, key, below[0], cache)

    def _cached(self, index: int, key: str, below: StepResult, cache: Results) -> StepResult | None:
        level = self._publisher.level(index, below.height())
        hit = cache.find(
            key, below.stack_layers, anywhere=_stands_alone(self._plan.vertices[index].operation),
            fits=lambda division: budget.fits(division, level),
        )  # fmt: skip
        if hit is None:
            return None
        paths = self._parts.layers.paths_of(hit.layers)
        return _complete(key, hit.layers, paths, below, division=hit.division)

    def _look_up_remote(
        self, vertex: graph.Vertex, cache: Results | None
    ) -> tuple[str, StepResult | None]:
        key, hit = self._fetcher.look_up(vertex, cache)
        if hit is None:
            return key, None
        own = key if hit.origin is None else hit.origin.content
        paths = self._parts.layers.paths_of(hit.layers)
        return key, _complete(own, hit.layers, paths, None, entry=key, origin=hit.origin)

    def _execute(
        self,
        index: int,
        key: str,
        below: Sequence[StepResult],
        check: Callable[[Sight], None],
        output: Callable[[int, bytes], None],
    ) -> StepResult:
        vertex = self._plan.vertices[index]
        if self._cancellation.requested:
            raise BuildError("canceled", reference="canceled")
        parent = self._options.cgroup_parent
        with (
            Workspace(self._parts, vertex.name, cgroup_parent=parent) as workspace,
            located(vertex.location),
        ):
            if isinstance(vertex.operation, Git | Web):
                return self._fetch(workspace, index, key)
            lowers = below[0].stack()
            alone = _stands_alone(vertex.operation)
            made = self._perform(workspace, vertex, below, check, output)
            workspace.unmount()
            normalise(workspace.upper, () if alone else lowers, engine_mounts=made)
            if alone:
                mounts.begin_upper(workspace.upper, lowers)
            if not os.listdir(workspace.upper) and not _root_changed(workspace.upper, lowers):
                return StepResult(key, (), (), below[0], made=True)
            made_of = self._publisher.publish(workspace, index, below[0].height())
        return StepResult(
            key, made_of.layers, made_of.paths, below[0], made=True, division=made_of.division
        )

    def _fetch(self, workspace: Workspace, index: int, key: str) -> StepResult:
        mounts.begin_upper(workspace.upper, ())
        origin = self._fetcher.fetch(workspace, self._plan.vertices[index])
        normalise(workspace.upper, (), engine_mounts=())
        fetched = self._publisher.publish(workspace, index, 0)
        own = key if origin is None else origin.content
        return StepResult(
            own, fetched.layers, fetched.paths, None, made=True, entry=key, origin=origin
        )

    def _perform(
        self,
        workspace: Workspace,
        vertex: graph.Vertex,
        below: Sequence[StepResult],
        check: Callable[[Sight], None],
        output: Callable[[int, bytes], None],
    ) -> tuple[str, ...]:
        """Changes the workspace's root; the mount points that the engine made in it."""
        lowers, operation = below[0].stack(), vertex.operation
        match operation:
            case graph.Run():
                return self._run(workspace, vertex, operation, below, check, output)
            case graph.Copy():
                copied = Sight()
                workspace.mount(() if operation.link else lowers)
                with self._trees(workspace, operation, below, copied) as trees:
                    copying.copy(operation, choose(operation, trees), workspace.root)
                check(copied)
            case graph.Directory():
                workspace.mount(lowers)
                copying.make_directory(operation, workspace.root)
            case _:
                pass
        return ()

    def _run(
        self,
        workspace: Workspace,
        vertex: graph.Vertex,
        operation: graph.Run,
        below: Sequence[StepResult],
        check: Callable[[Sight], None],
        output: Callable[[int, bytes], None],
    ) -> tuple[str, ...]:
        copied = Sight()
        context = self._contexts[""].watched(copied)
        with self._mounts.prepared(workspace, operation, _inputs(below), context) as prepared:
            check(copied)
            return running.run(
                self._parts, workspace, vertex, operation, below[0].stack(), prepared,
                self._options.hosts, output, self._cancellation,
            )  # fmt: skip

    @contextlib.contextmanager
    def _trees(
        self,
        workspace: Workspace,
        operation: graph.Copy,
        below: Sequence[StepResult],
        sight: Sight,
    ) -> Iterator[dict[int, Tree]]:
        """Where the sources are, by their input."""
        with contextlib.ExitStack() as stack:
            trees = {0: self._contexts[operation.origin].watched(sight)}
            for number in {source.input for source in operation.sources} - {0}:
                place = workspace.mount_read_only(below[number].stack(), f"source{number}")
                tree = Tree(place, keeps_attributes=True)
                trees[number] = stack.enter_context(tree)
            yield trees

    def _content(self, vertex: graph.Vertex, below: Sequence[StepResult], sight: Sight) -> str:
        """A digest of the files that the step copies or mounts; empty where there are none."""
        operation = vertex.operation
        if isinstance(operation, graph.Run):
            context = self._contexts[""].watched(sight)
            return self._mounts.digest(vertex.name, operation, _inputs(below), context)
        if not isinstance(operation, graph.Copy) or not operation.sources:
            return ""
        if not any(source.input for source in operation.sources):
            context = self._contexts[operation.origin].watched(sight)
            return digest_of(choose(operation, {0: context}))
        with (
            Workspace(self._parts, f"digest for {vertex.name}") as workspace,
            self._trees(workspace, operation, below, sight) as trees,
        ):
            return digest_of(choose(operation, trees))

    def _base(self, operation: graph.Base) -> StepResult:
        if not operation.image_id:
            return _complete(key_of_base(()), (), (), None)
        layers = self._images[operation.image_id].layers
        self._parts.layers.lease(self._holder, [layer.id for layer in layers])
        key = key_of_base([layer.diff_id for layer in layers])
        return _complete(key, layers, self._parts.layers.paths_of(layers), None)


def _inputs(below: Sequence[StepResult]) -> tuple[Input, ...]:
    return tuple(Input(result.key, result.stack()) for result in below)


def _keys(operation: graph.Operation, below: Sequence[StepResult]) -> list[str]:
    """The keys of the inputs that count: what is only bound read-only counts by its content."""
    if _stands_alone(operation):
        return [result.key for result in below[1:]]
    if not isinstance(operation, graph.Run):
        return [result.key for result in below]
    kept = {0} | {
        mount.input
        for mount in operation.mounts
        if mount.input is not None and not (mount.type == "bind" and mount.read_only)
    }
    return [result.key if number in kept else "" for number, result in enumerate(below)]


def _stands_alone(operation: graph.Operation) -> bool:
    """True for COPY --link: it would be the same on any other parent."""
    return isinstance(operation, graph.Copy) and operation.link


def _root_of(lowers: Sequence[str]) -> str:
    """Mode and owner of a root directory, which every layer above repeats."""
    if not lowers:
        return "nothing"
    status = os.stat(lowers[-1])
    return f"{status.st_mode:o}:{status.st_uid}:{status.st_gid}"


def _root_changed(upper: str, lowers: Sequence[str]) -> bool:
    """True where the step gave the root directory itself another mode or owner."""
    after, before = os.stat(upper), os.stat(lowers[-1]) if lowers else None
    if before is None:
        return (after.st_mode & 0o7777, after.st_uid, after.st_gid) != (0o755, 0, 0)
    return (after.st_mode, after.st_uid, after.st_gid) != (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip


def _complete(
    key: str,
    layers: Sequence[Layer],
    paths: Sequence[str],
    below: StepResult | None,
    *,
    entry: str | None = None,
    origin: Origin | None = None,
    division: Division = UNDIVIDED,
) -> StepResult:
    """A result whose layers are there already."""
    futures = []
    for layer in layers:
        future: Future[Layer] = Future()
        future.set_result(layer)
        futures.append(future)
    return StepResult(
        key, futures, paths, below, made=False, entry=entry, origin=origin, division=division
    )
