"""The checks of a Dockerfile, with what they need of context and images looked up."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import msgspec

from dockyard.build import planning
from dockyard.build.context import open_context
from dockyard.build.dockerfile.directives import CHECK_ARGUMENT, check_options
from dockyard.build.dockerfile.parser import parse
from dockyard.build.lint import Finding, Subject, lint
from dockyard.build.names import PLATFORM_ARGUMENTS, SCRATCH, Settings, chosen_stage
from dockyard.build.outline import Outline, Target, outline, targets
from dockyard.build.progress import Event, Listener, silent
from dockyard.build.remote.context import Prepared, prepared
from dockyard.build.request import BuildRequest
from dockyard.build.stage import PROXIES
from dockyard.containers.parts import Parts
from dockyard.errors import BuildError, DockyardError
from dockyard.system import host


class Report(msgspec.Struct, frozen=True):
    """What the checks found; ``fails`` where the file itself makes findings errors."""

    findings: tuple[Finding, ...]
    filename: str
    text: str
    fails: bool

    @property
    def error(self) -> str:
        """The sentence with which such a build fails; empty where it doesn't."""
        if not (self.fails and self.findings):
            return ""
        rules = ", ".join(sorted({each.rule for each in self.findings}))
        return f"lint violation found for rules: {rules}"


def check(parts: Parts, request: BuildRequest) -> Report:
    """Checks a Dockerfile without building anything.

    Raises:
        BuildError, InvalidInput: it is no Dockerfile, can't be read, or has no such target.
    """
    with prepared(
        parts, request.context, request.dockerfile, keep_git_dir=False
    ) as context:  # fmt: skip
        return examine(parts, context, request.build_args, request.target)


class Description(msgspec.Struct, frozen=True):
    """What a Dockerfile says of itself: its targets, and what one of them takes."""

    targets: tuple[Target, ...]
    outline: Outline
    text: str


def describe(parts: Parts, request: BuildRequest) -> Description:
    """Reads a Dockerfile without building anything.

    Raises:
        BuildError, InvalidInput: it is no Dockerfile, or has no such target.
    """
    with prepared(
        parts, request.context, request.dockerfile, keep_git_dir=False
    ) as context:  # fmt: skip
        path = planning.dockerfile_of(context.directory, context.dockerfile)
        text = planning.read(path, context.directory)
    dockerfile = parse(text, filename=os.path.basename(path))
    settings = Settings(
        architecture=host.architecture(),
        build_args=planning.arguments_of(request.build_args),
        target=request.target,
        contexts=request.contexts,
    )
    found = outline(dockerfile, settings, lambda image: _variables(parts, image) or {})
    return Description(targets(dockerfile), found, text)


def enforce(
    parts: Parts,
    context: Prepared,
    build_args: Mapping[str, str | None],
    listener: Listener | None,
) -> None:
    """Tells a build's findings, and ends it where its Dockerfile has to be kept clean.

    Args:
        listener: gets an event for each finding.

    Raises:
        BuildError: there are findings and ``# check=error=true``; the error names their rules.
    """
    if listener is None and not _has_options(context, build_args):
        return
    report = examine(parts, context, build_args)
    tell = listener or silent
    for each in report.findings:
        name = f"{each.rule}: {each.detail} (line {each.start})"
        tell(Event(kind="warning", step=0, name=name, time=time.monotonic()))
    if report.error:
        first = report.findings[0]
        raise BuildError(
            report.error,
            context=f"{report.filename}:{first.start}: {first.detail}",
            hint="build --check shows all of it",
            reference="lint-violation",
        )


def _has_options(context: Prepared, build_args: Mapping[str, str | None]) -> bool:
    """True where the Dockerfile or the command line may say something about the checks."""
    path = planning.dockerfile_of(context.directory, context.dockerfile)
    return CHECK_ARGUMENT in build_args or "check" in planning.read(path, context.directory)


def examine(
    parts: Parts,
    context: Prepared,
    build_args: Mapping[str, str | None],
    target: str | None = None,
) -> Report:
    """The checks of a context that is there; raises as :func:`check`."""
    path = planning.dockerfile_of(context.directory, context.dockerfile)
    text = planning.read(path, context.directory)
    arguments = {name: value or "" for name, value in build_args.items()}
    dockerfile = parse(text, filename=os.path.basename(path))
    chosen_stage(dockerfile, target)
    options = check_options(dockerfile.directives, arguments)
    with open_context(context.directory, path) as tree:
        subject = Subject(
            dockerfile=dockerfile,
            build_args=arguments,
            predefined=frozenset({*PLATFORM_ARGUMENTS, *PROXIES, *map(str.lower, PROXIES)}),
            ignored=tree.rules,
            environment=lambda name: _environment(parts, name),
        )
    return Report(lint(subject, options), dockerfile.filename, text, options.error)


def _environment(parts: Parts, image: str) -> frozenset[str] | None:
    """The names of an image's variables; ``None`` where it isn't here."""
    variables = _variables(parts, image)
    return None if variables is None else frozenset({"PATH", *variables})


def _variables(parts: Parts, image: str) -> dict[str, str] | None:
    """The variables of an image; ``None`` where it isn't here."""
    if image.lower() == SCRATCH:
        return {}
    try:
        config = parts.images.resolve(image).image.config
    except DockyardError:
        return None
    return dict(entry.partition("=")[::2] for entry in config.config.env)
