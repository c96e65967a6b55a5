"""Which stages and images a Dockerfile's names mean, and which of them a target needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.source import Location, did_you_mean, located
from dockyard.build.dockerfile.substitution import expand_at, expanded
from dockyard.build.grants import StepOptions
from dockyard.errors import BuildError, InvalidInput

SCRATCH = "scratch"
_PLATFORM_ARGS = ("OS", "ARCH", "VARIANT")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line and the host add to the Dockerfile."""

    architecture: str
    build_args: dict[str, str]
    target: str | None = None
    labels: dict[str, str] = {}
    epoch: int | None = None
    """SOURCE_DATE_EPOCH in seconds, where given."""
    steps: StepOptions = StepOptions()


def chosen_stage(dockerfile: ins.Dockerfile, target: str | None) -> int:
    """The index of the stage to build.

    Raises:
        InvalidInput: there is no such stage.
    """
    if target is None:
        return len(dockerfile.stages) - 1
    for stage in dockerfile.stages:
        if stage.name == target.lower() or str(stage.index) == target:
            return stage.index
    names = [stage.name for stage in dockerfile.stages if stage.name]
    raise InvalidInput(
        f'target stage "{target}" could not be found',
        context=dockerfile.filename,
        hint=did_you_mean(target, names) or f"the stages are {', '.join(names) or 'not named'}",
        reference="no-such-stage",
    )


def sources_of(step: ins.Instruction) -> tuple[str, ...]:
    """The stages or images that an instruction reads by ``from``; none for the build context."""
    match step:
        case ins.Copy(from_=str(name)):
            return (name,)
        case ins.Run():
            return tuple(mount.from_ for mount in step.mounts if mount.from_ is not None)
    return ()


class Names:
    """Names of one Dockerfile under given settings.

    ``meta`` has the values of the ARGs before the first FROM and of the automatic platform ones.
    """

    def __init__(self, dockerfile: ins.Dockerfile, settings: Settings) -> None:
        self._dockerfile = dockerfile
        self._settings = settings
        self.meta = self._meta_args()
        self.target = chosen_stage(dockerfile, settings.target)

    def external(self) -> Iterator[tuple[str, Location]]:
        """Images that are no stages, each with where it is named."""
        for index in sorted(self.reachable()):
            stage = self._dockerfile.stages[index]
            base = self.base_of(stage.base)
            if self.stage(base.image, index) is None and base.image.lower() != SCRATCH:
                yield base.image, base.location
            for step in stage.instructions:
                for name in sources_of(step):
                    if name.lower() != SCRATCH and self.copy_source(name, index) is None:
                        yield name, step.location

    def reachable(self) -> set[int]:
        """The target and all stages that it uses, by FROM or COPY --from."""
        wanted, pending = {self.target}, [self.target]
        while pending:
            index = pending.pop()
            for used in self._used_by(index) - wanted:
                wanted.add(used)
                pending.append(used)
        return wanted

    def _used_by(self, index: int) -> set[int]:
        stage = self._dockerfile.stages[index]
        found = {self.stage(self.base_of(stage.base).image, index)}
        for step in stage.instructions:
            with located(step.location):
                found |= {self.copy_source(name, index) for name in sources_of(step)}
        return {each for each in found if each is not None}

    def stage(self, name: str, before: int) -> int | None:
        """The stage of that name; a later one of the same name doesn't count."""
        for stage in reversed(self._dockerfile.stages[:before]):
            if stage.name == name.lower():
                return stage.index
        return None

    def copy_source(self, name: str, current: int) -> int | None:
        """The stage that a ``--from`` in stage ``current`` means; ``None`` for an image."""
        if name.isdecimal():
            if int(name) < current:
                return int(name)
            raise BuildError(f"invalid stage index {name}: it must be a stage before this one")
        return self.stage(name, current)

    def _meta_args(self) -> dict[str, str]:
        """Values of the ARGs before the first FROM, and the automatic platform ones."""
        scope = self._platform_args()
        for arg in self._dockerfile.meta_args:
            for each in arg.arguments:
                given = self._settings.build_args.get(each.name)
                if given is None and each.default is not None:
                    escape = self._dockerfile.escape
                    given = expand_at(arg.location, each.default, scope, escape)
                if given is not None:
                    scope[each.name] = given
        return scope

    def _platform_args(self) -> dict[str, str]:
        values = ("linux", self._settings.architecture, "")
        scope = {}
        for prefix in ("TARGET", "BUILD"):
            scope[f"{prefix}PLATFORM"] = f"linux/{self._settings.architecture}"
            scope |= {f"{prefix}{n}": v for n, v in zip(_PLATFORM_ARGS, values, strict=True)}
        return scope

    def base_of(self, base: ins.From) -> ins.From:
        """A FROM with its variables replaced."""
        return expanded(base, self.meta, self._dockerfile.escape)
