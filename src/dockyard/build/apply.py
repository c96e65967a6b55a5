"""A build from the request to the image: plan, solve, seal, record."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import msgspec

from dockyard.build import graph
from dockyard.build.cache import BuildCache
from dockyard.build.context import Tree, open_context
from dockyard.build.dockerfile.lexer import Directive
from dockyard.build.dockerfile.parser import parse
from dockyard.build.dockerfile.source import Location, syntax_error
from dockyard.build.grants import StepOptions
from dockyard.build.lower import BaseImage, base_names, lower
from dockyard.build.mounts.agents import AgentSource
from dockyard.build.mounts.prepare import Supplies
from dockyard.build.mounts.secrets import Secret
from dockyard.build.names import Settings
from dockyard.build.progress import Event, Listener, silent
from dockyard.build.solver import Cancellation, solve
from dockyard.build.step import StepResult, StepRunner
from dockyard.containers.parts import Parts
from dockyard.errors import InvalidInput, NotFound
from dockyard.images.model import Image, Layer
from dockyard.oci import times
from dockyard.oci.image import ImageConfig, RootFilesystem, encode
from dockyard.oci.reference import Reference
from dockyard.system import host

_MAX_DOCKERFILE_BYTES = 8 << 20
_PARALLEL = 4


class BuildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to build; see :meth:`dockyard.engine.Engine.build`."""

    context: str
    dockerfile: str | None = None
    tags: tuple[str, ...] = ()
    build_args: dict[str, str | None] = {}
    target: str | None = None
    labels: dict[str, str] = {}
    no_cache: bool = False
    steps: StepOptions = StepOptions()
    secrets: tuple[Secret, ...] = ()
    agents: tuple[AgentSource, ...] = ()


def build(parts: Parts, request: BuildRequest, listener: Listener | None = None) -> Image:
    """Builds an image and gives it its names. Nothing is named before all is on disk.

    Raises:
        BuildError, NotFound, InvalidInput: see :meth:`dockyard.engine.Engine.build`.
    """
    host.require_root("building an image")
    references = [Reference.parse(tag) for tag in request.tags]
    if any(reference.digest for reference in references):
        raise InvalidInput("a tag for a build can't have a digest")
    plan, images = _plan(parts, request)
    for warning in plan.warnings:
        parts.warn(warning)
    holder = f"b-{secrets.token_hex(8)}"
    with parts.lock(holder) as lock, _context(request) as context:
        try:
            build_ = _Build(parts, plan, images, context, holder, request, listener or silent)
            image = build_.run(references, use_cache=not request.no_cache)
        finally:
            parts.layers.release(holder)
            parts.layers.collect(holder)
            lock.release(remove=True)
    return image


def _plan(parts: Parts, request: BuildRequest) -> tuple[graph.Plan, dict[str, Image]]:
    path = request.dockerfile or f"{request.context}/Dockerfile"
    dockerfile = parse(_read(path, request), filename=os.path.basename(path))
    _check_syntax_directive(dockerfile.directives)
    settings = Settings(
        architecture=host.architecture(),
        build_args=_arguments(request.build_args),
        target=request.target,
        labels=request.labels,
        epoch=parts.config.source_date_epoch,
        steps=request.steps,
    )
    images: dict[str, Image] = {}
    bases: dict[str, BaseImage] = {}
    for name, location in base_names(dockerfile, settings).items():
        try:
            resolution = parts.images.resolve(name)
        except NotFound as error:
            error.context = location.excerpt()
            raise
        image = resolution.image
        images[image.id] = image
        shown = f"{name} ({resolution.reference})" if resolution.note else name
        bases[name] = BaseImage(image.id, image.config, shown)
    return lower(dockerfile, bases, settings), images


def _read(path: str, request: BuildRequest) -> str:
    if not os.path.isdir(request.context):
        raise InvalidInput(
            f'unable to prepare context: path "{request.context}" not found',
            hint="the last argument of build is the directory with the files to copy",
            reference="no-context",
        )
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_DOCKERFILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(
            f"failed to read dockerfile: open {path}: {os.strerror(error.errno or 0).lower()}",
            hint="name it with -f, or add a Dockerfile to the context",
            reference="no-dockerfile",
        ) from error
    if len(data) > _MAX_DOCKERFILE_BYTES:
        raise InvalidInput(f"{path} is too large for a Dockerfile")
    return _decode(data, filename=os.path.basename(path))


def _decode(data: bytes, *, filename: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        line = data.split(b"\n")[number - 1].decode(errors="backslashreplace")
        raise syntax_error(
            Location(filename, number, number, line),
            f"the Dockerfile is not UTF-8: invalid byte 0x{data[error.start]:02x}",
            "save it as UTF-8 text, or see if another file was meant",
        ) from error


def _arguments(given: Mapping[str, str | None]) -> dict[str, str]:
    """``--build-arg NAME`` without a value takes this process's variable, if there is one."""
    found = {
        name: os.environ.get(name) if value is None else value for name, value in given.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _check_syntax_directive(directives: Sequence[Directive]) -> None:
    """``# syntax=docker/dockerfile:1`` is what this version does; other frontends are refused."""
    for directive in directives:
        if directive.name != "syntax":
            continue
        image = directive.value.removeprefix("docker.io/").partition("@")[0].partition(":")[0]
        if image not in {"docker/dockerfile", "docker/dockerfile-upstream"}:
            raise syntax_error(
                directive.location,
                f"the frontend {directive.value} is not supported",
                "remove the line; Dockyard reads Docker's own Dockerfile syntax itself",
            )


def _supplies(request: BuildRequest) -> Supplies:
    return Supplies(
        secrets={secret.id: secret for secret in request.secrets},
        agents={agent.id: agent for agent in request.agents},
    )


def _context(request: BuildRequest) -> Tree:
    return open_context(request.context, request.dockerfile or f"{request.context}/Dockerfile")


class _Build:
    """One build at work."""

    def __init__(
        self,
        parts: Parts,
        plan: graph.Plan,
        images: Mapping[str, Image],
        context: Tree,
        holder: str,
        request: BuildRequest,
        listener: Listener,
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._holder = holder
        self._cache = BuildCache(parts.database, parts.layers)
        self._cancellation = Cancellation()
        self._listener = listener
        self._guard = threading.Lock()
        self._numbers: dict[int, int] = {}
        self._sealers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="seal")
        self._steps = StepRunner(
            parts, plan, images, context, holder, self._cancellation, self._sealers,
            _supplies(request), request.steps.hosts,
        )  # fmt: skip

    def run(self, names: Sequence[Reference], *, use_cache: bool) -> Image:
        """Solves the plan and records the image with its names, in one step."""
        needed = self._plan.needed()
        self._numbers = {vertex: number for number, vertex in enumerate(needed, start=1)}
        inputs = {vertex: self._plan.vertices[vertex].inputs for vertex in needed}

        def work(vertex: int, below: Sequence[StepResult]) -> StepResult:
            return self._work(vertex, below, use_cache=use_cache)

        try:
            results = solve(inputs, work, self._cancellation, parallel=_PARALLEL)
            sealed = {vertex: results[vertex].sealed() for vertex in needed}
        except BaseException:
            self._cancellation.request()
            raise
        finally:
            self._sealers.shutdown(wait=True)
        self._remember(results, sealed)
        return self._record(sealed, names)

    def _work(self, vertex: int, below: Sequence[StepResult], *, use_cache: bool) -> StepResult:
        name = self._plan.vertices[vertex].name
        self._tell("started", vertex, name)
        try:
            key, found = self._steps.look_up(vertex, below, self._cache if use_cache else None)
            if found is not None:
                self._tell("cached", vertex, name)
                return found

            def output(stream: int, data: bytes) -> None:
                self._tell("output", vertex, name, stream=stream, data=data)

            result = self._steps.execute(vertex, key, below, output)
        except BaseException:
            kind: Literal["canceled", "failed"] = (
                "canceled" if self._cancellation.requested else "failed"
            )
            self._tell(kind, vertex, name)
            raise
        self._tell("done", vertex, name)
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

    def _remember(
        self, results: Mapping[int, StepResult], sealed: Mapping[int, tuple[Layer, ...]]
    ) -> None:
        """Writes what was made to the cache, once it is sealed."""
        for vertex, result in results.items():
            if result.made:
                below = self._stack(sealed, self._plan.vertices[vertex].inputs[0])
                name = self._plan.vertices[vertex].name
                self._cache.put(result.key, name, sealed[vertex], below)

    def _stack(self, sealed: Mapping[int, tuple[Layer, ...]], top: int) -> list[Layer]:
        """All layers up to a vertex, base first."""
        layers: list[Layer] = []
        vertex: int | None = top
        while vertex is not None:
            layers[:0] = sealed[vertex]
            inputs = self._plan.vertices[vertex].inputs
            vertex = inputs[0] if inputs else None
        return layers

    def _record(self, sealed: Mapping[int, tuple[Layer, ...]], names: Sequence[Reference]) -> Image:
        layers = self._stack(sealed, self._plan.target)
        config = _image_config(self._plan, sealed, layers)
        ids = [layer.id for layer in layers]
        return self._parts.images.add(encode(config), ids, built=time.time_ns(), names=names)


def _image_config(
    plan: graph.Plan, sealed: Mapping[int, tuple[Layer, ...]], layers: Sequence[Layer]
) -> ImageConfig:
    """The image's configuration: history says which lines have layers."""
    history = list(plan.base.history)
    for line in plan.lines:
        count = 0 if line.vertex is None else len(sealed[line.vertex])
        entry = msgspec.structs.replace(line.history, empty_layer=count == 0)
        history += [entry] * max(count, 1)
    return msgspec.structs.replace(
        plan.base,
        created=times.rfc3339(plan.epoch),
        config=plan.config,
        rootfs=RootFilesystem(diff_ids=tuple(layer.diff_id for layer in layers)),
        history=tuple(history),
    )
