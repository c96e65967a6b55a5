"""From a request to a plan: the Dockerfile read, its images looked up, its steps laid out."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from dockyard.build import graph
from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.directives import check_syntax
from dockyard.build.dockerfile.parser import parse
from dockyard.build.dockerfile.source import Location, syntax_error
from dockyard.build.grants import StepOptions
from dockyard.build.lower import BaseImage, base_names, lower
from dockyard.build.named import NamedContext
from dockyard.build.names import WITHOUT_EFFECT, Settings
from dockyard.build.progress import Listener, silent
from dockyard.build.pulling import Pulling
from dockyard.build.triggers import with_triggers
from dockyard.config import LATEST_EPOCH
from dockyard.containers.parts import Parts
from dockyard.decoding import natural
from dockyard.errors import DockyardError, InvalidInput
from dockyard.images.model import Image
from dockyard.oci.platform import Platform
from dockyard.system import host

_MAX_DOCKERFILE_BYTES = 8 << 20
_EPOCH = "SOURCE_DATE_EPOCH"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What to plan; see :class:`dockyard.build.apply.BuildRequest`."""

    context: str
    dockerfile: str | None
    build_args: Mapping[str, str | None]
    target: str | None
    labels: dict[str, str]
    platform: str | None
    contexts: dict[str, NamedContext]
    steps: StepOptions
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False


def plan(
    parts: Parts, source: Source, listener: Listener = silent
) -> tuple[graph.Plan, dict[str, Image]]:  # fmt: skip
    """The steps of a build, and the images that they begin with, by id.

    Images that are not here are pulled, and all with ``source.pull``.

    Raises:
        BuildError, NotFound, InvalidInput: see :meth:`dockyard.engine.Engine.build`.
    """
    path = dockerfile_of(source.context, source.dockerfile)
    dockerfile = parse(read(path, source.context), filename=os.path.basename(path))
    arguments = arguments_of(source.build_args)
    check_syntax(dockerfile.directives, arguments)
    settings = _settings(parts, source, arguments)
    images: dict[str, Image] = {}
    bases: dict[str, BaseImage] = {}
    pulling = Pulling(parts, source.platform, listener, always=source.pull)
    while True:
        whole = _with_triggers(dockerfile, bases, settings)
        missing = {k: v for k, v in base_names(whole, settings).items() if k not in bases}
        if not missing:
            pulling.finish()
            return lower(whole, bases, settings), images
        for name, location in missing.items():
            image, bases[name] = _base(pulling, name, location)
            images[image.id] = image


def dockerfile_of(context: str, dockerfile: str | None) -> str:
    """The path of the Dockerfile."""
    return dockerfile or f"{context}/Dockerfile"


def _with_triggers(
    dockerfile: ins.Dockerfile, bases: Mapping[str, BaseImage], settings: Settings
) -> ins.Dockerfile:
    left = {name: base.config.config.on_build or () for name, base in bases.items()}
    return with_triggers(dockerfile, left, settings)


def _base(pulling: Pulling, name: str, location: Location) -> tuple[Image, BaseImage]:
    try:
        resolution = pulling.resolve(name)
    except DockyardError as error:
        said = f"{error.context}\n" if error.context else ""
        error.context = f"{said}{location.excerpt()}"
        raise
    image = resolution.image
    shown = f"{name} ({resolution.reference})" if resolution.note else name
    return image, BaseImage(image.id, image.config, shown)


def _settings(parts: Parts, source: Source, arguments: dict[str, str]) -> Settings:
    architecture = host.architecture()
    platform = None
    if source.platform is not None:
        platform = Platform.parse(source.platform, Platform(architecture))
    return Settings(
        architecture=architecture,
        build_args=arguments,
        target=source.target,
        no_cache_filter=source.no_cache_filter,
        labels=source.labels,
        epoch=_epoch(parts, arguments),
        platform=platform,
        contexts=source.contexts,
        steps=source.steps,
    )


def _epoch(parts: Parts, arguments: Mapping[str, str]) -> int | None:
    """The time of the build, where ``--build-arg`` or the environment gives it."""
    given = arguments.get(_EPOCH)
    if given is None:
        return parts.config.source_date_epoch
    epoch = natural(given, LATEST_EPOCH)
    if epoch is None:
        raise InvalidInput(f"invalid {_EPOCH}: {given}", hint="it counts the seconds since 1970")
    return epoch


def read(path: str, context: str) -> str:
    """The text of a Dockerfile.

    Raises:
        InvalidInput, BuildError: it can't be read, or is no text.
    """
    if not os.path.isdir(context):
        raise InvalidInput(
            f'unable to prepare context: path "{context}" not found',
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
        raise InvalidInput(
            f"{path} is too large for a Dockerfile",
            hint=f"at most {_MAX_DOCKERFILE_BYTES:,} bytes; -f names another file",
        )
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


def arguments_of(given: Mapping[str, str | None]) -> dict[str, str]:
    """``--build-arg NAME`` without a value takes this process's variable, if there is one.

    Raises:
        InvalidInput: one asks for something that the builder doesn't do.
    """
    found = {
        name: os.environ.get(name) if value is None else value for name, value in given.items()
    }
    for name in sorted(WITHOUT_EFFECT):
        if found.get(name) not in {None, "", "0", "false"}:
            raise InvalidInput(f"--build-arg {name} is not supported", hint="remove it")
    return {name: value for name, value in found.items() if value is not None}
