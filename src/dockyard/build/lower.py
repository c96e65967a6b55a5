"""From a parsed Dockerfile to the graph. Pure: base images are looked up beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from dockyard.build import copies, graph, history
from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.source import Location, located, syntax_error
from dockyard.build.dockerfile.substitution import expand_at, expanded
from dockyard.build.mounts.plan import lower_mounts
from dockyard.build.named import Local
from dockyard.build.names import BUILDER_ARGUMENTS, SCRATCH, Names, Settings, sources_of
from dockyard.build.remote.address import Git, Web
from dockyard.build.stage import StageState, empty_config, is_proxy
from dockyard.errors import BuildError
from dockyard.oci import times
from dockyard.oci.image import ImageConfig
from dockyard.oci.platform import Platform

_EXECUTED = (ins.Run, ins.Copy, ins.Add, ins.Workdir)


class BaseImage(msgspec.Struct, frozen=True):
    """An existing image that the Dockerfile names."""

    id: str
    config: ImageConfig
    shown: str
    """Its name for people: which image a short name turned out to mean."""


def base_names(dockerfile: ins.Dockerfile, settings: Settings) -> dict[str, Location]:
    """Names of the existing images that the target needs, with where each is first named."""
    found: dict[str, Location] = {}
    for name, location in Names(dockerfile, settings).external():
        found.setdefault(name, location)
    return found


def lower(
    dockerfile: ins.Dockerfile, bases: Mapping[str, BaseImage], settings: Settings
) -> graph.Plan:
    """The graph for the target.

    Args:
        bases: the images that :func:`base_names` asked for, by name.

    Raises:
        BuildError: something contradicts itself or isn't done yet; it names the line.
    """
    return _Lowering(dockerfile, bases, settings).plan()


class _Lowering:
    def __init__(
        self, dockerfile: ins.Dockerfile, bases: Mapping[str, BaseImage], settings: Settings
    ) -> None:
        self._dockerfile = dockerfile
        self._bases = bases
        self._settings = settings
        self._vertices: list[graph.Vertex] = []
        self._states: dict[int, StageState] = {}
        self._fresh = False
        self._uncached: set[int] = set()
        self._base_vertices: dict[str, int] = {}
        self._context_vertices: dict[str, int] = {}
        self._names = Names(dockerfile, settings)

    def plan(self) -> graph.Plan:
        for index in sorted(self._names.reachable()):
            self._fresh = self._is_uncached(self._dockerfile.stages[index])
            self._states[index] = self._lower_stage(self._dockerfile.stages[index])
        state = self._states[self._names.target]
        if self._settings.labels:
            state.change(labels=state.config.labels | self._settings.labels)
        return graph.Plan(
            vertices=tuple(self._vertices),
            target=state.vertex,
            base=state.base,
            config=state.config,
            lines=tuple(state.lines),
            epoch=state.epoch,
            warnings=tuple(self._warnings()),
            uncached=frozenset(self._uncached),
        )

    def _is_uncached(self, stage: ins.Stage) -> bool:
        """Whether ``--no-cache-filter`` names the stage."""
        named = {each.lower() for each in self._settings.no_cache_filter if each}
        return bool(named & {stage.name, str(stage.index)})

    def _warnings(self) -> Iterator[str]:
        declared = {each.name for arg in self._dockerfile.meta_args for each in arg.arguments}
        for stage in self._dockerfile.stages:
            for step in stage.instructions:
                if isinstance(step, ins.Arg):
                    declared |= {each.name for each in step.arguments}
        for name in self._settings.build_args:
            if name not in declared and not is_proxy(name) and name not in BUILDER_ARGUMENTS:
                yield f"--build-arg {name} was not consumed: no ARG in the Dockerfile names it"

    def _lower_stage(self, stage: ins.Stage) -> StageState:
        base = self._names.base_of(stage.base)
        state = self._begin(stage, base)
        state.change(on_build=None)  # done by now: see triggers.py
        number = 1
        for raw in stage.instructions:
            number += isinstance(raw, _EXECUTED)
            step = raw
            if not isinstance(raw, ins.Arg | ins.Onbuild):
                step = expanded(raw, state.variables(), self._dockerfile.escape)
            label = f"[{self._stage_label(stage)}{number}/{_count(stage)}]"
            with located(step.location):
                self._lower_step(state, step, f"{label} {copies.shown(step)}", stage.index)
        return state

    def _stage_label(self, stage: ins.Stage) -> str:
        if len(self._dockerfile.stages) == 1:
            return ""
        return f"{stage.name or f'stage-{stage.index}'} "

    def _begin(self, stage: ins.Stage, base: ins.From) -> StageState:
        parent = self._names.stage(base.image, stage.index)
        if parent is not None:
            return StageState.on(self._states[parent])
        platform = self._names.platform_of(base)
        label = f"[{self._stage_label(stage)}1/{_count(stage)}] FROM "
        context = self._names.context(base.image)
        if context is not None or base.image.lower() == SCRATCH:
            config = empty_config(platform or self._settings.host)
            epoch = self._epoch(None)
            if context is None:
                vertex = self._base_vertex("", label + SCRATCH, base.location, epoch)
            else:
                vertex = self._context_vertex(context, base.location)
            return StageState(config, epoch, vertex)
        image = self._bases[self._names.image_of(base.image)]
        _check_platform(image, base, platform)
        epoch = self._epoch(image.config.created)
        vertex = self._base_vertex(image.id, label + image.shown, base.location, epoch)
        return StageState(image.config, epoch, vertex)

    def _epoch(self, created: str | None) -> int:
        if self._settings.epoch is not None:
            return max(self._settings.epoch, times.EARLIEST_EPOCH)
        if not created:
            return times.EARLIEST_EPOCH
        return max(times.parse_rfc3339(created), times.EARLIEST_EPOCH)

    def _base_vertex(self, image_id: str, name: str, location: Location, epoch: int) -> int:
        if image_id not in self._base_vertices:
            self._base_vertices[image_id] = self._add(
                graph.Base(image_id), (), name, location, epoch
            )
        return self._base_vertices[image_id]

    def _add(
        self,
        operation: graph.Operation,
        inputs: tuple[int, ...],
        name: str,
        location: Location,
        epoch: int,
        ignored_env: tuple[str, ...] = (),
    ) -> int:
        self._vertices.append(
            graph.Vertex(
                operation=operation, inputs=inputs, name=name, location=location, epoch=epoch,
                ignored_env=ignored_env,
            )
        )  # fmt: skip
        if self._fresh:
            self._uncached.add(len(self._vertices) - 1)
        return len(self._vertices) - 1

    def _lower_step(self, state: StageState, step: ins.Instruction, name: str, index: int) -> None:
        if state.metadata(step):
            return
        match step:
            case ins.Arg():
                self._declare(state, step)
            case ins.Workdir():
                path = state.directory(step.path).rstrip("/") or "/"
                state.change(working_dir=path)
                made = graph.Directory(path, state.config.user)
                state.vertex = self._add(made, (state.vertex,), name, step.location, state.epoch)
                state.record(f"WORKDIR {path}", state.vertex)
            case ins.Run():
                self._lower_run(state, step, name, index)
            case ins.Copy():
                self._lower_copy(state, step, name, index)
            case ins.Add():
                self._lower_add(state, step, name)
            case _:
                raise _unfinished(
                    f"{step.keyword} is not supported yet",
                    hint="docs/compatibility.md lists the instructions there are",
                )

    def _declare(self, state: StageState, step: ins.Arg) -> None:
        """ARG: --build-arg, else its default, else the value that the same ARG had before FROM."""
        values: list[tuple[str, str | None]] = []
        for each in step.arguments:
            value = self._settings.build_args.get(each.name)
            if value is None and each.default is not None:
                escape = self._dockerfile.escape
                value = expand_at(step.location, each.default, state.variables(), escape)
            elif value is None:
                value = self._names.meta.get(each.name)
            state.declare(each.name, value)
            values.append((each.name, value))
        state.record(history.declared(values))

    def _lower_run(self, state: StageState, step: ins.Run, name: str, index: int) -> None:
        steps = self._settings.steps
        steps.check(step)
        self._check_executable(state)
        script = step.script()
        env, proxies = state.run_environment(self._settings.build_args)
        if isinstance(step.command, ins.ExecForm):
            args, program = step.command.arguments, ""
        elif script.interpreted:
            args, program = state.shell(script.place), script.text
        else:
            args, program = state.shell(script.text), ""
        if not args:
            raise BuildError("RUN needs a command", hint="write it after RUN, or remove the line")
        sources = list(dict.fromkeys(sources_of(step)))
        numbers = {source: number for number, source in enumerate(sources, start=1)}
        inputs = [self._source_vertex(source, step.location, index) for source in sources]
        cwd = state.config.working_dir or "/"
        operation = graph.Run(
            args=args, env=env, cwd=cwd, user=state.config.user,
            network=steps.network_of(step), script=program, script_place=script.place,
            mounts=lower_mounts(step.mounts, cwd, numbers),
            insecure=step.security is ins.SecurityMode.INSECURE,
            hosts=tuple(sorted({host for host, _ in steps.hosts})),
            shm_size=steps.shm_size, ulimits=steps.ulimits, devices=step.devices,
        )  # fmt: skip
        state.vertex = self._add(
            operation, (state.vertex, *inputs), name, step.location, state.epoch, proxies
        )
        state.record(history.ran(args, state.shown_arguments()), state.vertex)

    def _check_executable(self, state: StageState) -> None:
        architecture, host = state.base.architecture, self._settings.host
        if (state.base.os, architecture) != (host.os, host.architecture):
            raise BuildError(
                f"a RUN step for {state.base.os}/{architecture} can't run on this host,"
                f" which is {host}",
                hint="do the work in a stage FROM --platform=$BUILDPLATFORM and COPY its result,"
                " or build on such a host",
                reference="wrong-platform",
            )

    def _lower_copy(self, state: StageState, step: ins.Copy, name: str, index: int) -> None:
        copies.check_copy(step)
        context = None if step.from_ is None else self._names.context(step.from_)
        inputs: tuple[int, ...] = (state.vertex,)
        origin = ""
        if isinstance(context, Local):
            origin = self._names.context_name(context)
        elif step.from_ is not None:
            inputs = (state.vertex, self._source_vertex(step.from_, step.location, index))
        sources = tuple(graph.Source(source, len(inputs) - 1) for source in step.sources)
        operation = copies.operation(step, sources, state, origin=origin)
        state.vertex = self._add(operation, inputs, name, step.location, state.epoch)
        state.record(history.copied(step), state.vertex)

    def _source_vertex(self, name: str, location: Location, index: int) -> int:
        """What a ``from`` in stage ``index`` means: COPY's and that of RUN's mounts."""
        stage = self._names.copy_source(name, index)
        if stage is not None:
            return self._states[stage].vertex
        context = self._names.context(name)
        if context is not None:
            return self._context_vertex(context, location)
        if name.lower() == SCRATCH:
            return self._base_vertex("", f"FROM {SCRATCH}", location, self._epoch(None))
        image = self._bases[self._names.image_of(name)]
        label = f"[copy source] FROM {image.shown}"
        return self._base_vertex(image.id, label, location, self._epoch(image.config.created))

    def _context_vertex(self, context: Local | Git | Web, location: Location) -> int:
        """A filesystem that holds the files of a named context."""
        name = self._names.context_name(context)
        if name in self._context_vertices:
            return self._context_vertices[name]
        label, epoch = f"[context {name}]", self._epoch(None)
        fetched = None
        if not isinstance(context, Local):
            shown = f"{label} {copies.shown_address(context)}"
            fetched = self._add(context, (), shown, location, epoch)
        if fetched is not None and isinstance(context, Git):
            made = fetched
        else:
            below = self._base_vertex("", f"FROM {SCRATCH}", location, epoch)
            inputs = (below,) if fetched is None else (below, fetched)
            made = self._add(copies.whole(context, name), inputs, f"{label} load", location, epoch)
        self._context_vertices[name] = made
        return made

    def _lower_add(self, state: StageState, step: ins.Add, name: str) -> None:
        inputs = [state.vertex]
        sources = []
        for source in copies.sources_of_add(step):
            if isinstance(source, graph.Source):
                sources.append(source)
                continue
            shown = f"[add source] {copies.shown_address(source)}"
            number = len(inputs)
            inputs.append(self._add(source, (), shown, step.location, state.epoch))
            sources.append(copies.fetched(source, number, unpack=step.unpack is True))
        operation = copies.operation(step, tuple(sources), state)
        state.vertex = self._add(operation, tuple(inputs), name, step.location, state.epoch)
        state.record(history.copied(step), state.vertex)


def _count(stage: ins.Stage) -> int:
    """Steps of a stage that do something, its FROM included."""
    return 1 + sum(isinstance(step, _EXECUTED) for step in stage.instructions)


def _check_platform(image: BaseImage, base: ins.From, wanted: Platform | None) -> None:
    """Refuses an image for another platform than the one that was asked for."""
    config = image.config
    actual = Platform(config.architecture, config.os, config.variant)
    if wanted is None or (actual.os, actual.architecture) == (wanted.os, wanted.architecture):
        return
    raise syntax_error(
        base.location,
        f"the image {image.shown} does not match the specified platform:"
        f" wanted {wanted}, actual: {actual}",
        f"leave --platform out, or make an image of that name for {wanted}",
        reference="wrong-platform",
    )


def _unfinished(message: str, hint: str) -> BuildError:
    return BuildError(message, hint=hint, reference="not-supported-yet")
