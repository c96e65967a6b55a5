"""``build --check``: what BuildKit checks in a Dockerfile, too.

The rules: https://docs.docker.com/reference/build-checks/.

Pure. A finding never stops a build by itself; ``# check=error=true`` makes it do so.
"""

from __future__ import annotations

import contextlib
import os.path
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from dockyard.build import lint_words as words
from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.directives import CheckOptions
from dockyard.build.dockerfile.ignore import IgnoreRules
from dockyard.build.dockerfile.source import Location
from dockyard.build.dockerfile.substitution import expanded
from dockyard.errors import BuildError

_URL: Final = "https://docs.docker.com/go/dockerfile/rule/"
_EXPERIMENTAL: Final = frozenset({"CopyIgnoredFile", "InvalidDefinitionDescription"})
"""Rules that only ``# check=experimental=`` asks for."""
_RESERVED: Final = ("scratch", "context")
_SECRET: Final = re.compile(
    r"(?i)(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)"
    r"(?:_|$)"
)
_NO_SECRET: Final = re.compile(r"(?i)(?:_|^)(?:public)(?:_|$)")
_DEFAULTED: Final = re.compile(r"\$\{(\w+):?[-+?]")
_ONCE: Final = (ins.Cmd, ins.Entrypoint, ins.Healthcheck)
_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")


class Finding(msgspec.Struct, frozen=True):
    """A rule that a place of the file doesn't keep to; lines count from 1."""

    rule: str
    detail: str
    start: int
    end: int

    @property
    def description(self) -> str:
        """What the rule is about."""
        return words.DESCRIPTIONS[self.rule]

    @property
    def url(self) -> str:
        """Docker's page on the rule."""
        return _URL + _CAPITAL.sub("-", self.rule.replace("JSON", "Json")).lower() + "/"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is checked.

    ``predefined`` are names that ARG need not declare, ``environment`` says which variables an
    image has, ``None`` where that isn't known.
    """

    dockerfile: ins.Dockerfile
    build_args: Mapping[str, str]
    predefined: frozenset[str]
    ignored: IgnoreRules
    environment: Callable[[str], frozenset[str] | None]


def lint(subject: Subject, options: CheckOptions) -> tuple[Finding, ...]:
    """What is found, in the order of the lines."""
    found = [*_casing(subject.dockerfile), *_continuations(subject.dockerfile)]
    found += _descriptions(subject.dockerfile)
    found += _stages(subject)
    for stage in subject.dockerfile.stages:
        found += _Stage(subject, stage).findings()
    wanted = (each for each in found if _is_wanted(each.rule, options))
    return tuple(sorted(wanted, key=lambda each: each.start))


def _is_wanted(rule: str, options: CheckOptions) -> bool:
    if rule in _EXPERIMENTAL and not options.experimental & {rule, "all"}:
        return False
    return not options.skips(rule)


def _at(location: Location, rule: str, detail: str) -> Finding:
    return Finding(rule, detail, location.start, location.end)


def _casing(dockerfile: ins.Dockerfile) -> Iterator[Finding]:
    """Keywords are all in upper or all in lower case; the majority says which."""
    steps = [*dockerfile.meta_args]
    everything: list[ins.Instruction] = [*steps]
    for stage in dockerfile.stages:
        everything += [stage.base, *stage.instructions]
    keywords = [(step, step.text.split(maxsplit=1)[0]) for step in everything]
    lower = sum(word.islower() for _, word in keywords)
    upper = sum(word.isupper() for _, word in keywords)
    majority = "lowercase" if lower > upper else "uppercase"
    for step, word in keywords:
        if word != (word.lower() if lower > upper else word.upper()):
            yield _at(
                step.location, "ConsistentInstructionCasing",
                f"Command '{word}' should match the case of the command majority ({majority})",
            )  # fmt: skip


def _continuations(dockerfile: ins.Dockerfile) -> Iterator[Finding]:
    for location in dockerfile.blank_continuations:
        yield Finding("NoEmptyContinuation", "Empty continuation line", location.end, location.end)


def _descriptions(dockerfile: ins.Dockerfile) -> Iterator[Finding]:
    """The comment right above a definition begins with its name."""
    steps: list[ins.Instruction] = [*dockerfile.meta_args]
    for stage in dockerfile.stages:
        steps += [stage.base, *stage.instructions]
    for step in steps:
        names = _defined(step)
        if names and step.comments and step.comments[-1].split(" ")[0] not in names:
            name = names[0] if len(names) == 1 else "<arg_key>"
            yield _at(
                step.location, "InvalidDefinitionDescription",
                f"Comment for {step.keyword} should follow the format: `# {name} <description>`",
            )  # fmt: skip


def _defined(step: ins.Instruction) -> list[str]:
    match step:
        case ins.From(name=str(name)):
            return [name]
        case ins.Arg():
            return [each.name for each in step.arguments]
    return []


def _stages(subject: Subject) -> Iterator[Finding]:
    seen: set[str] = set()
    for stage in subject.dockerfile.stages:
        base = stage.base
        yield from _stage_name(base, seen)
        if base.platform in {"$TARGETPLATFORM", "${TARGETPLATFORM}"}:
            yield _at(
                base.location, "RedundantTargetPlatform",
                f"Setting platform to predefined {base.platform} in FROM is redundant as this is"
                " the default behavior",
            )  # fmt: skip
        yield from _base_arguments(subject, base)


def _stage_name(base: ins.From, seen: set[str]) -> Iterator[Finding]:
    parts = base.text.split()
    if base.name is None:
        return
    written = parts[-1]
    if written != written.lower():
        yield _at(base.location, "StageNameCasing", f"Stage name '{written}' should be lowercase")
    keyword = parts[-2]
    if keyword.isupper() != parts[0].isupper():
        yield _at(
            base.location, "FromAsCasing",
            f"'{keyword}' and '{parts[0]}' keywords' casing do not match",
        )  # fmt: skip
    if base.name in _RESERVED:
        yield _at(
            base.location, "ReservedStageName",
            f'Stage name should not use the same name as reserved stage "{base.name}"',
        )  # fmt: skip
    if base.name in seen:
        yield _at(
            base.location, "DuplicateStageName",
            f'Duplicate stage name "{base.name}", stage names should be unique',
        )  # fmt: skip
    seen.add(base.name)


def _base_arguments(subject: Subject, base: ins.From) -> Iterator[Finding]:
    """A FROM works without --build-arg, and names nothing that isn't declared."""
    scope = _Scope(dict.fromkeys(subject.predefined, "x"))
    for arg in subject.dockerfile.meta_args:
        for each in arg.arguments:
            scope.known[each.name] = each.default or ""
    try:
        image = expanded(base, scope, subject.dockerfile.escape).image
    except BuildError:
        image = ""
    for name in scope.unknown(base.text):
        yield _at(
            base.location, "UndefinedArgInFrom",
            f"FROM argument '{name}' is not declared{words.near(name, scope.known)}",
        )  # fmt: skip
    if "$" in base.image and (not image or image.endswith(":") or image.startswith(":")):
        yield _at(
            base.location, "InvalidDefaultArgInFrom",
            f"Default value for ARG {base.image} results in empty or invalid base image name",
        )  # fmt: skip


class _Scope(Mapping[str, str]):
    """Variables, with a memory of those that were asked for and aren't there."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = dict(known)
        self._missing: list[str] = []

    def __getitem__(self, name: str) -> str:
        if name not in self.known:
            self._missing.append(name)
            raise KeyError(name)
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def unknown(self, text: str) -> list[str]:
        """Those missing so far but for those with a default in ``text``; forgotten afterwards."""
        found = dict.fromkeys(self._missing)
        self._missing.clear()
        defaulted = set(_DEFAULTED.findall(text))
        return [name for name in found if name not in defaulted]


class _Stage:
    """The checks of one stage."""

    def __init__(self, subject: Subject, stage: ins.Stage) -> None:
        self._subject = subject
        self._stage = stage
        names = self._inherited(stage)
        self._complete = names is not None
        self._scope = _Scope(dict.fromkeys(names or (), "x"))
        self._absolute = False

    def _inherited(self, stage: ins.Stage) -> frozenset[str] | None:
        """Variables that the stage begins with; ``None`` where that isn't known."""
        earlier = self._subject.dockerfile.stages[: stage.index]
        parent = next((e for e in reversed(earlier) if e.name == stage.base.image.lower()), None)
        if parent is None:
            return self._subject.environment(stage.base.image)
        below = self._inherited(parent)
        if below is None:
            return None
        own = {each.key for step in parent.instructions if isinstance(step, ins.Env)
               for each in step.variables}  # fmt: skip
        own |= {each.name for step in parent.instructions if isinstance(step, ins.Arg)
                for each in step.arguments}  # fmt: skip
        return below | own

    def findings(self) -> Iterator[Finding]:
        """All of the stage."""
        yield from self._repeated()
        for step in self._stage.instructions:
            yield from self._variables(step)
            for rule, detail in self._of(step):
                yield _at(step.location, rule, detail)

    def _repeated(self) -> Iterator[Finding]:
        for kind in _ONCE:
            same = [step for step in self._stage.instructions if isinstance(step, kind)]
            for step in same[:-1]:
                yield _at(
                    step.location, "MultipleInstructionsDisallowed",
                    f"Multiple {step.keyword} instructions should not be used in the same stage"
                    " because only the last one will be used",
                )  # fmt: skip

    def _variables(self, step: ins.Instruction) -> Iterator[Finding]:
        if not isinstance(step, ins.Onbuild):
            with contextlib.suppress(BuildError):  # the build says what is wrong there
                expanded(step, self._scope, self._subject.dockerfile.escape)
            for name in self._scope.unknown(step.text):
                if self._complete:
                    near = words.near(name, self._scope.known)
                    yield _at(
                        step.location,
                        "UndefinedVar",
                        f"Usage of undefined variable '${name}'{near}",
                    )
        if isinstance(step, ins.Env):
            self._scope.known |= {each.key: "x" for each in step.variables}
        elif isinstance(step, ins.Arg):
            self._scope.known |= {each.name: each.default or "x" for each in step.arguments}

    def _of(self, step: ins.Instruction) -> Iterator[tuple[str, str]]:
        match step:
            case ins.Maintainer():
                yield "MaintainerDeprecated", words.MAINTAINER
            case ins.Cmd() | ins.Entrypoint():
                yield from self._form(step)
            case ins.Workdir():
                yield from self._directory(step)
            case ins.Copy() | ins.Add():
                yield from self._ignored(step)
            case ins.Expose():
                yield from _ports(step)
            case _:
                yield from _names(step)

    def _form(self, step: ins.Cmd | ins.Entrypoint) -> Iterator[tuple[str, str]]:
        """A stage that has chosen its shell knows what it does."""
        has_shell = any(isinstance(each, ins.Shell) for each in self._stage.instructions)
        if isinstance(step.command, ins.ShellForm) and not has_shell:
            yield "JSONArgsRecommended", words.json_arguments(step.keyword)

    def _directory(self, step: ins.Workdir) -> Iterator[tuple[str, str]]:
        if step.path.startswith(("/", "$")):
            self._absolute = True
        elif not self._absolute:
            self._absolute = True
            yield "WorkdirRelativePath", words.relative(step.path)

    def _ignored(self, step: ins.Copy | ins.Add) -> Iterator[tuple[str, str]]:
        if isinstance(step, ins.Copy) and step.from_ is not None:
            return
        for source in step.sources:
            path = os.path.normpath("/" + source).lstrip("/")
            if "://" in source or "$" in source or not path:
                continue
            if self._subject.ignored.excludes(path):
                yield "CopyIgnoredFile", words.ignored(step.keyword, source)


def _names(step: ins.Instruction) -> Iterator[tuple[str, str]]:
    """What ENV, LABEL and ARG are written like, and what they name."""
    if isinstance(step, ins.Env | ins.Label) and step.legacy:
        yield "LegacyKeyValueFormat", words.legacy(step.keyword)
    if isinstance(step, ins.Env):
        yield from _secrets("ENV", [each.key for each in step.variables])
    elif isinstance(step, ins.Arg):
        yield from _secrets("ARG", [each.name for each in step.arguments])


def _secrets(keyword: str, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if _SECRET.search(name) and not _NO_SECRET.search(name):
            yield "SecretsUsedInArgOrEnv", words.secret(keyword, name)


def _ports(step: ins.Expose) -> Iterator[tuple[str, str]]:
    for port in step.ports:
        if ":" in port and "$" not in port:
            yield "ExposeInvalidFormat", words.mapping(port)
        protocol = port.partition("/")[2]
        if protocol != protocol.lower() and "$" not in protocol:
            yield "ExposeProtoCasing", words.protocol(port)
