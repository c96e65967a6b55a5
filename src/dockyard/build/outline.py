"""``build --call=outline`` and ``targets``: what a Dockerfile can be given and makes. Pure.

A comment right above FROM or ARG that begins with the name is its description; see
https://docs.docker.com/reference/build-checks/invalid-definition-description/.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.source import Location
from dockyard.build.dockerfile.substitution import expanded
from dockyard.build.names import PLATFORM_ARGUMENTS, Names, Settings, chosen_stage

Environment = Callable[[str], Mapping[str, str]]
"""The variables of an image that isn't a stage."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A stage; ``line`` is that of its FROM."""

    name: str
    description: str
    base: str
    default: bool
    line: int


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """An ARG: its value for this build, ``None`` where it has none."""

    name: str
    description: str
    value: str | None
    line: int


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """A secret or an SSH agent that a step wants."""

    name: str
    required: bool
    line: int


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What one target takes, in the order of the lines."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    secrets: tuple[Supply, ...]
    agents: tuple[Supply, ...]


def targets(dockerfile: ins.Dockerfile) -> tuple[Target, ...]:
    """All stages, in their order; the last one is the default."""
    last = len(dockerfile.stages) - 1
    return tuple(
        Target(
            name=stage.name or "", description=described(stage.base, stage.name or ""),
            base=stage.base.image, default=stage.index == last, line=stage.base.location.start,
        )
        for stage in dockerfile.stages
    )  # fmt: skip


def described(step: ins.Instruction, name: str) -> str:
    """The description of what an instruction defines; empty where there is none."""
    for comment in step.comments:
        if name and comment.startswith(f"{name} "):
            return comment.removeprefix(f"{name} ")
    return ""


def outline(dockerfile: ins.Dockerfile, settings: Settings, environment: Environment) -> Outline:
    """What a target and the stages that it uses take.

    Raises:
        BuildError, InvalidInput: there is no such target, or names in the file make no sense.
    """
    stage = dockerfile.stages[chosen_stage(dockerfile, settings.target)]
    walk = _Walk(dockerfile, settings, environment)
    return Outline(
        name=stage.name or "",
        description=described(stage.base, stage.name or ""),
        arguments=tuple(sorted(walk.arguments.values(), key=lambda each: each.line)),
        secrets=tuple(walk.secrets.values()),
        agents=tuple(walk.agents.values()),
    )


class _Walk:
    """Goes through all stages that count, with their variables."""

    def __init__(
        self, dockerfile: ins.Dockerfile, settings: Settings, environment: Environment
    ) -> None:
        self._escape = dockerfile.escape
        self._given = settings.build_args
        self._environment = environment
        self._names = Names(dockerfile, settings)
        self._scopes: dict[int, dict[str, str]] = {}
        self._globals: dict[str, Argument] = {}
        self.arguments: dict[str, Argument] = {}
        self.secrets: dict[str, Supply] = {}
        self.agents: dict[str, Supply] = {}
        scope: dict[str, str] = {}
        for arg in dockerfile.meta_args:
            for each in self._arguments(arg, scope):
                self._globals[each.name] = each
        for index in sorted(self._names.reachable()):
            self._stage(dockerfile.stages[index])

    def _stage(self, stage: ins.Stage) -> None:
        seen = _Seen({each.name: each.value or "" for each in self._globals.values()})
        expanded(stage.base, seen, self._escape)
        self.arguments |= {name: self._globals[name] for name in seen.used if name in self._globals}
        image = self._names.base_of(stage.base).image
        parent = self._names.stage(image, stage.index)
        inherited = self._environment(image) if parent is None else self._scopes[parent]
        scope = dict(inherited)
        for step in stage.instructions:
            self._step(step, scope)
        self._scopes[stage.index] = scope

    def _step(self, step: ins.Instruction, scope: dict[str, str]) -> None:
        match step:
            case ins.Arg():
                for each in self._arguments(step, scope):
                    self.arguments[each.name] = each
            case ins.Env():
                scope |= {each.key: each.value for each in
                          expanded(step, scope, self._escape).variables}  # fmt: skip
            case ins.Run():
                self._mounts(expanded(step, scope, self._escape).mounts, step.location)

    def _arguments(self, step: ins.Arg, scope: dict[str, str]) -> Iterator[Argument]:
        """The arguments of an instruction, whose values enter the scope."""
        for each in expanded(step, scope, self._escape).arguments:
            if each.name in PLATFORM_ARGUMENTS:
                continue
            outer = self._globals.get(each.name) if each.default is None else None
            value = self._given.get(each.name, outer.value if outer else each.default)
            if value is not None:
                scope[each.name] = value
            description = described(step, each.name) or (outer.description if outer else "")
            line = outer.line if outer else step.location.start
            yield Argument(name=each.name, description=description, value=value, line=line)

    def _mounts(self, mounts: Sequence[ins.Mount], location: Location) -> None:
        for mount in mounts:
            if mount.type is ins.MountType.SECRET:
                found, name = self.secrets, mount.id or os.path.basename(mount.target or "")
            elif mount.type is ins.MountType.SSH:
                found, name = self.agents, mount.id or "default"
            else:
                continue
            supply = Supply(name=name, required=mount.required, line=location.start)
            found.setdefault(name, supply)


class _Seen(dict[str, str]):
    """Variables, with a memory of those that were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.used: list[str] = []

    def __getitem__(self, name: str) -> str:
        self.used.append(name)
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.used.append(name)
        return super().get(name, default)
