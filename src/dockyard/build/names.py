"""Which stages and images a Dockerfile's names mean, and which of them a target needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.directives import CHECK_ARGUMENT, SYNTAX_ARGUMENT
from dockyard.build.dockerfile.source import Location, did_you_mean, located, syntax_error
from dockyard.build.dockerfile.substitution import expand_at, expanded
from dockyard.build.grants import StepOptions
from dockyard.build.named import Local, NamedContext, NamedContexts, NamedImage
from dockyard.build.remote.address import Git, Web
from dockyard.decoding import natural
from dockyard.errors import BuildError, InvalidInput
from dockyard.oci.platform import Platform

SCRATCH = "scratch"
KEEP_GIT_DIR = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"
WITHOUT_EFFECT = frozenset({"BUILDKIT_INLINE_CACHE", "BUILDKIT_MULTI_PLATFORM"})
"""Arguments for Docker's builder that only where switched off mean what we do."""

BUILDER_ARGUMENTS = WITHOUT_EFFECT | {
    KEEP_GIT_DIR, SYNTAX_ARGUMENT, CHECK_ARGUMENT, "SOURCE_DATE_EPOCH",
}  # fmt: skip
"""Values of ``--build-arg`` that the builder itself reads, whether or not an ARG names them."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line and the host add to the Dockerfile.

    ``architecture`` is the host's, ``platform`` what ``--platform`` asks for.
    """

    architecture: str
    build_args: dict[str, str]
    target: str | None = None
    no_cache_filter: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    epoch: int | None = None
    """SOURCE_DATE_EPOCH in seconds, where given."""
    steps: StepOptions = StepOptions()
    platform: Platform | None = None
    contexts: dict[str, NamedContext] = {}

    @property
    def host(self) -> Platform:
        """What steps can run on."""
        return Platform(self.architecture)


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


PLATFORM_ARGUMENTS = frozenset(
    {"TARGETSTAGE"}
    | {f"{side}{what}" for side in ("TARGET", "BUILD")
       for what in ("PLATFORM", "OS", "ARCH", "VARIANT")}
)  # fmt: skip
"""Names of ARGs that have values of their own before the first FROM."""


class Names:
    """Names of one Dockerfile under given settings.

    ``meta`` has the values of the ARGs before the first FROM and of the automatic platform ones.
    """

    def __init__(self, dockerfile: ins.Dockerfile, settings: Settings) -> None:
        self._dockerfile = dockerfile
        self._settings = settings
        self._contexts = NamedContexts(settings.contexts)
        self.meta = self._meta_args()
        self.target = chosen_stage(dockerfile, settings.target)

    def external(self) -> Iterator[tuple[str, Location]]:
        """Images that are no stages, each with where it is named."""
        for index in sorted(self.reachable()):
            stage = self._dockerfile.stages[index]
            base = self.base_of(stage.base)
            if self.stage(base.image, index) is None and self._is_image(base.image):
                yield self.image_of(base.image), base.location
            for step in stage.instructions:
                for name in sources_of(step):
                    if self.copy_source(name, index) is None and self._is_image(name):
                        yield self.image_of(name), step.location

    def context(self, name: str) -> Local | Git | Web | None:
        """The files that ``--build-context`` puts in place of a stage or image, if it does."""
        found = self._contexts.find(name)
        return found if isinstance(found, Local | Git | Web) else None

    def context_name(self, context: Local | Git | Web) -> str:
        """The name under which such files were given."""
        return self._contexts.name_of(context)

    def image_of(self, name: str) -> str:
        """The image that a name means, where ``--build-context`` may name another one."""
        found = self._contexts.find(name)
        return found.reference if isinstance(found, NamedImage) else name

    def _is_image(self, name: str) -> bool:
        return name.lower() != SCRATCH and self.context(name) is None

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
        if self._contexts.find(name) is not None:
            return None
        for stage in reversed(self._dockerfile.stages[:before]):
            if stage.name == name.lower():
                return stage.index
        return None

    def copy_source(self, name: str, current: int) -> int | None:
        """The stage that a ``--from`` in stage ``current`` means; ``None`` for an image."""
        if name.isdecimal():
            number = natural(name, current - 1)
            if number is not None:
                return number
            raise BuildError(
                f"invalid stage index {name[:20]}: it must be a stage before this one",
                hint="--from takes the number or the name of an earlier stage",
            )
        found = self.stage(name, current)
        if found is None and self._contexts.find(name) is None:
            self._check_is_no_later_stage(name, current)
        return found

    def _check_is_no_later_stage(self, name: str, current: int) -> None:
        stages = self._dockerfile.stages
        later = next((each for each in stages[current:] if each.name == name.lower()), None)
        if later is None:
            return
        own = stages[current].name or str(current)
        if later.index == current or current in self._named_by(later.index):
            raise BuildError(
                f"circular dependency detected on stage: {own}",
                hint="a stage can copy only from stages that don't need it",
            )
        raise BuildError(
            f'cannot copy from stage "{name}", it needs to be defined before current stage "{own}"',
            hint="move that stage up",
        )

    def _named_by(self, index: int) -> set[int]:
        """Stages before this one that it uses, and those that these use."""
        found: set[int] = set()
        pending = [index]
        while pending:
            stage = self._dockerfile.stages[pending.pop()]
            names = [name for step in stage.instructions for name in sources_of(step)]
            names.append(self.base_of(stage.base).image)
            used = {self.stage(name, stage.index) for name in names}
            pending += [each for each in used if each is not None and each not in found]
            found |= {each for each in used if each is not None}
        return found

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
        """What https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
        lists, and the name of the target."""
        scope = {"TARGETSTAGE": self._settings.target or "default"}
        platforms = {"TARGET": self.platform, "BUILD": self._settings.host}
        for prefix, platform in platforms.items():
            scope |= {
                f"{prefix}PLATFORM": str(platform),
                f"{prefix}OS": platform.os,
                f"{prefix}ARCH": platform.architecture,
                f"{prefix}VARIANT": platform.variant,
            }
        return scope

    @property
    def platform(self) -> Platform:
        """What the image is for."""
        return self._settings.platform or self._settings.host

    def platform_of(self, base: ins.From) -> Platform | None:
        """What a stage is for, where FROM or the command line says it.

        Raises:
            BuildError: it names no platform.
        """
        if not base.platform:
            return self._settings.platform
        try:
            return Platform.parse(base.platform, self._settings.host)
        except InvalidInput as error:
            raise syntax_error(
                base.location, f"failed to parse platform: {error.message}", error.hint
            ) from error

    def base_of(self, base: ins.From) -> ins.From:
        """A FROM with its variables replaced."""
        return expanded(base, self.meta, self._dockerfile.escape)
