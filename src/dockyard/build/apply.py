"""A build from the request to the image: plan, solve, seal, record."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

import msgspec

from dockyard.build import graph, planning
from dockyard.build.cache import BuildCache
from dockyard.build.checking import enforce
from dockyard.build.context import Tree, open_context
from dockyard.build.export import export
from dockyard.build.history import lines_of
from dockyard.build.layering import Publisher
from dockyard.build.mounts.prepare import Supplies
from dockyard.build.named import Local
from dockyard.build.names import KEEP_GIT_DIR
from dockyard.build.outputs import IMAGE
from dockyard.build.progress import Event, Listener, silent
from dockyard.build.remote.context import Prepared, prepared
from dockyard.build.request import BuildRequest
from dockyard.build.sharing.exporting import Result
from dockyard.build.sharing.session import Exports, Results, exported, imported
from dockyard.build.solver import Cancellation, solve
from dockyard.build.step import StepResult, StepRunner
from dockyard.containers.parts import Parts
from dockyard.errors import InvalidInput
from dockyard.images.model import Image, Layer
from dockyard.oci import digest as digests
from dockyard.oci import times
from dockyard.oci.image import ImageConfig, RootFilesystem, encode
from dockyard.oci.reference import Reference
from dockyard.system import cgroups, host

_PARALLEL = 4


def build(parts: Parts, request: BuildRequest, listener: Listener | None = None) -> Image:
    """Builds an image and gives it its names, or writes it elsewhere.

    Nothing is named before all is on disk. What only goes elsewhere is no image afterwards.

    Raises:
        BuildError, NotFound, InvalidInput: see :meth:`dockyard.engine.Engine.build`.
        DiskFull: there is no room for any step.
    """
    host.require_root("building an image")
    parts.paths.require_room()
    references = [Reference.parse(tag) for tag in request.tags]
    if any(reference.digest for reference in references):
        raise InvalidInput(
            "a tag for a build can't have a digest",
            hint="a name with a tag, such as -t my-app:1; the digest comes of the build",
        )
    keep = request.build_args.get(KEEP_GIT_DIR) not in {None, "", "0", "false"}
    stays = IMAGE in request.outputs
    with prepared(parts, request.context, request.dockerfile, keep_git_dir=keep) as context:
        enforce(parts, context, request.build_args, listener)
        names = references if stays else ()
        image, is_new = _build(parts, request, context, names, listener or silent)
    try:
        for output in request.outputs:
            export(parts, image, references, output)
    finally:
        if is_new and not stays:
            parts.images.discard(image)
    return image


def _build(
    parts: Parts,
    request: BuildRequest,
    context: Prepared,
    references: Sequence[Reference],
    listener: Listener,
) -> tuple[Image, bool]:
    """The image, and whether it is a new one."""
    _check_cgroup_parent(parts, request.steps.cgroup_parent)
    plan, images = planning.plan(parts, _source(request, context), listener)
    for warning in plan.warnings:
        parts.warn(warning)
    holder = f"b-{secrets.token_hex(8)}"
    with parts.lock(holder) as lock, _contexts(request, context) as contexts:
        try:
            with (
                imported(parts, request.cache_from, holder) as imports,
                exported(parts, request.cache_to) as exports,
            ):
                build_ = _Build(parts, plan, images, contexts, holder, request, listener)
                results = Results(build_.cache, imports, holder)
                image = build_.run(references, None if request.no_cache else results, exports)
        finally:
            parts.layers.release(holder)
            parts.layers.collect(holder)
            lock.release(remove=True)
    return image, build_.is_new


def _check_cgroup_parent(parts: Parts, parent: str | None) -> None:
    """Refuses one that can't be, also where all steps are cached."""
    cgroups.cgroup_path(parts.cgroup_layout, parts.paths.root_hash, "", parent=parent)


def _source(request: BuildRequest, context: Prepared) -> planning.Source:
    return planning.Source(
        context=context.directory,
        dockerfile=context.dockerfile,
        build_args=request.build_args,
        target=request.target,
        labels=request.labels,
        platform=request.platform,
        contexts=request.contexts,
        steps=request.steps,
        no_cache_filter=request.no_cache_filter,
        pull=request.pull,
    )


def _supplies(request: BuildRequest) -> Supplies:
    return Supplies(
        secrets={secret.id: secret for secret in request.secrets},
        agents={agent.id: agent for agent in request.agents},
    )


@contextlib.contextmanager
def _contexts(request: BuildRequest, own: Prepared) -> Iterator[dict[str, Tree]]:
    """The directories to copy from, by name; the build's own has none."""
    with contextlib.ExitStack() as stack:
        dockerfile = planning.dockerfile_of(own.directory, own.dockerfile)
        trees = {"": stack.enter_context(open_context(own.directory, dockerfile))}
        for name, context in request.contexts.items():
            if isinstance(context, Local):
                trees[name] = stack.enter_context(open_context(context.path, None))
        yield trees


class _Build:
    """One build at work."""

    def __init__(
        self,
        parts: Parts,
        plan: graph.Plan,
        images: Mapping[str, Image],
        contexts: Mapping[str, Tree],
        holder: str,
        request: BuildRequest,
        listener: Listener,
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._holder = holder
        self.cache = BuildCache(parts.database, parts.layers)
        self._cancellation = Cancellation()
        self._listener = listener
        self._guard = threading.Lock()
        self._numbers: dict[int, int] = {}
        self.is_new = True
        """Whether the image wasn't there before."""
        self._sealers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="seal")
        self._keepers = ThreadPoolExecutor(max_workers=_PARALLEL, thread_name_prefix="keep")
        self._kept: list[Future[None]] = []
        publisher = Publisher(
            parts, plan, request.layers, holder, self._sealers, self._cancellation
        )
        self._steps = StepRunner(
            parts, plan, images, contexts, holder, self._cancellation, publisher,
            _supplies(request), request.steps,
        )  # fmt: skip

    def run(self, names: Sequence[Reference], known: Results | None, exports: Exports) -> Image:
        """Solves the plan and records the image with its names, in one step.

        Args:
            known: where results may come from.
            exports: where results go besides this root's own cache.
        """
        needed = self._plan.needed()
        self._numbers = {vertex: number for number, vertex in enumerate(needed, start=1)}
        inputs = {vertex: self._plan.vertices[vertex].inputs for vertex in needed}

        def work(vertex: int, below: Sequence[StepResult]) -> StepResult:
            return self._work(vertex, below, None if vertex in self._plan.uncached else known)

        try:
            results = solve(inputs, work, self._cancellation, parallel=_PARALLEL)
            sealed = {vertex: results[vertex].sealed() for vertex in needed}
            for each in self._kept:
                each.result()
        except BaseException:
            self._cancellation.request()
            raise
        finally:  # what a failed build has finished is kept too
            self._sealers.shutdown(wait=True)
            self._keepers.shutdown(wait=True)
        self._share(results, sealed, exports)
        notes = {vertex: results[vertex].division.notes for vertex in needed}
        return self._record(sealed, notes, names)

    def _work(self, vertex: int, below: Sequence[StepResult], known: Results | None) -> StepResult:
        name = self._plan.vertices[vertex].name
        self._tell("started", vertex, name)
        try:

            def output(stream: int, data: bytes) -> None:
                self._tell("output", vertex, name, stream=stream, data=data)

            result = self._steps.do(vertex, below, known, output)
        except BaseException:
            kind: Literal["canceled", "failed"] = (
                "canceled" if self._cancellation.requested else "failed"
            )
            self._tell(kind, vertex, name)
            raise
        self._tell("done" if result.made else "cached", vertex, name)
        if not result.made:
            return result
        self._kept.append(self._keepers.submit(self._keep, name, result, below))
        return result

    def _tell(
        self,
        kind: Literal["started", "output", "cached", "done", "failed", "canceled"],
        vertex: int,
        name: str,
        *,
        stream: int = 1,
        data: bytes = b"",
    ) -> None:
        event = Event(
            kind=kind, step=self._numbers[vertex], name=name, time=time.monotonic(),
            stream=stream, data=data,
        )  # fmt: skip
        with self._guard:
            self._listener(event)

    def _keep(self, name: str, result: StepResult, below: Sequence[StepResult]) -> None:
        """Writes what a step made to the cache, as soon as that is sealed."""
        under = below[0].stack_layers() if below else ()
        self.cache.put(result.entry, name, result.sealed(), under, result.origin, result.division)

    def _share(
        self,
        results: Mapping[int, StepResult],
        sealed: Mapping[int, tuple[Layer, ...]],
        exports: Exports,
    ) -> None:
        """Writes the results, made or found, where ``--cache-to`` wants them."""
        for mode in exports.modes():
            chosen = self._plan.chain() if mode == "min" else self._plan.needed()
            shared = [
                Result(
                    key=results[vertex].entry, description=self._plan.vertices[vertex].name,
                    layers=sealed[vertex], below=tuple(self._below(sealed, vertex)),
                    origin=results[vertex].origin, division=results[vertex].division,
                )
                for vertex in chosen
                if not isinstance(self._plan.vertices[vertex].operation, graph.Base)
            ]  # fmt: skip
            exports.write(mode, shared)

    def _below(self, sealed: Mapping[int, tuple[Layer, ...]], vertex: int) -> list[Layer]:
        """The layers that a step stands on."""
        inputs = self._plan.vertices[vertex].inputs
        return self._stack(sealed, inputs[0]) if inputs else []

    def _stack(self, sealed: Mapping[int, tuple[Layer, ...]], top: int) -> list[Layer]:
        """All layers up to a vertex, base first."""
        return [layer for vertex in self._plan.chain(top) for layer in sealed[vertex]]

    def _record(
        self,
        sealed: Mapping[int, tuple[Layer, ...]],
        notes: Mapping[int, tuple[str, ...]],
        names: Sequence[Reference],
    ) -> Image:
        layers = self._stack(sealed, self._plan.target)
        config = _image_config(self._plan, sealed, notes, layers)
        ids = [layer.id for layer in layers]
        document = encode(config)
        self.is_new = not self._parts.images.has(digests.of(document))
        return self._parts.images.add(document, ids, built=time.time_ns(), names=names)


def _image_config(
    plan: graph.Plan,
    sealed: Mapping[int, tuple[Layer, ...]],
    notes: Mapping[int, tuple[str, ...]],
    layers: Sequence[Layer],
) -> ImageConfig:
    """The image's configuration: history says which lines have layers."""
    history = list(plan.base.history)
    for line in plan.lines:
        count = 0 if line.vertex is None else len(sealed[line.vertex])
        said = () if line.vertex is None else notes[line.vertex]
        history += lines_of(line.history, count, said)
    return msgspec.structs.replace(
        plan.base,
        created=times.rfc3339(plan.epoch),
        config=plan.config,
        rootfs=RootFilesystem(diff_ids=tuple(layer.diff_id for layer in layers)),
        history=tuple(history),
    )
