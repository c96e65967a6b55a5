"""``build``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from dockyard.arguments import parse_label
from dockyard.cli import options, render
from dockyard.cli.build_steps import step_options, step_request
from dockyard.cli.command import canceled, define, not_yet, with_engine
from dockyard.errors import InvalidInput
from dockyard.images.model import Image
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.cli.live import LiveProgress
    from dockyard.cli.progress import PlainProgress
    from dockyard.engine import Engine

_KINDS = ("auto", "plain", "tty", "quiet", "none")
_NOT_YET = (
    "--annotation=", "--attest=", "--builder=",
    "--cache-from=", "--cache-to=", "--call=", "--cgroup-parent=", "--check", "--metadata-file=",
    "--no-cache-filter=", "-o, --output=", "--provenance=", "--pull",
    "--push", "--sbom=", "--squash",
    "-m, --memory=",
)  # fmt: skip


def _pair(text: str) -> tuple[str, str | None]:
    """``NAME=VALUE``, or ``NAME`` whose value is that of this process's variable."""
    name, equals, value = text.partition("=")
    if not name:
        raise InvalidInput(f"invalid build argument: {text!r}", hint="the form is NAME=VALUE")
    return name, value if equals else None


def _context(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` of ``--build-context``."""
    name, _, value = text.partition("=")
    if not name or not value:
        raise InvalidInput(
            f"invalid build context: {text!r}",
            hint="the form is NAME=PATH, or NAME=docker-image://REF, oci-layout://PATH or a URL",
        )
    return name, value


@define("build", "[OPTIONS] PATH | URL | -")
@click.option("--build-arg", "build_args", multiple=True, metavar="list",
              callback=options.reads(_pair), help="Set build-time variables")  # fmt: skip
@click.option("--build-context", "contexts", multiple=True, metavar="list",
              callback=options.reads(_context),
              help="Additional build contexts (e.g., name=path)")  # fmt: skip
@click.option("-f", "--file", "dockerfile", metavar="string",
              help='Name of the Dockerfile (default "PATH/Dockerfile"; - is STDIN)')  # fmt: skip
@click.option("--iidfile", metavar="string", help="Write the image ID to a file")
@click.option("--label", "labels", multiple=True, metavar="list",
              callback=options.reads(parse_label), help="Set metadata for an image")  # fmt: skip
@click.option("--load", is_flag=True, hidden=True, help="What happens anyway")
@click.option("--no-cache", is_flag=True, help="Do not use cache when building the image")
@click.option("--platform", metavar="string", help="Set target platform for build")
@click.option("--progress", type=click.Choice(_KINDS), default="auto", metavar="string",
              help="Set type of progress output (auto, plain, tty, quiet)")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True,
              help="Suppress the build output and print image ID on success")  # fmt: skip
@click.option("-t", "--tag", "tags", multiple=True, metavar="list",
              help='Name and optionally a tag (format: "name:tag")')  # fmt: skip
@click.option("--target", metavar="string", help="Set the target build stage to build")
@step_options
@not_yet(dict.fromkeys(_NOT_YET))
@click.argument("context")
@with_engine
def command(engine: Engine, /, context: str, *, iidfile: str | None, **values: Any) -> None:
    """Builds an image; its progress goes to standard error."""
    kind = "quiet" if values["quiet"] or values["progress"] == "none" else values["progress"]
    check_input(context, values["dockerfile"])
    try:
        image = _build(engine, context, values, kind)
    except KeyboardInterrupt as error:
        raise canceled("build") from error
    if iidfile is not None:
        write_id(iidfile, image.id)
    if values["quiet"]:
        click.echo(image.id)


def _build(engine: Engine, context: str, values: dict[str, Any], kind: str) -> Image:
    """Builds, with the progress drawn in the way asked for."""
    dockerfile = sys.stdin.buffer if values["dockerfile"] == "-" else values["dockerfile"]
    source = sys.stdin.buffer if context == "-" else context
    request = {
        "tag": values["tags"],
        "dockerfile": dockerfile,
        "build_args": dict(values["build_args"]),
        "target": values["target"],
        "labels": dict(values["labels"]),
        "no_cache": values["no_cache"],
        "platform": values["platform"],
        "contexts": dict(values["contexts"]),
        **step_request(values),
    }
    if kind == "quiet":
        return engine.build(source, **request)
    with renderer(kind) as progress:
        image = engine.build(source, **request, listener=progress)
    progress.finish(image.id, [str(Reference.parse(tag)) for tag in values["tags"]])
    return image


def renderer(kind: str) -> PlainProgress | LiveProgress:
    """The progress for ``--progress``; ``auto`` draws on a terminal and prints lines elsewhere."""
    if kind == "tty" or (kind == "auto" and sys.stderr.isatty()):
        from rich.console import Console

        from dockyard.cli.live import LiveProgress

        return LiveProgress(Console(stderr=True, force_terminal=kind == "tty" or None))
    from dockyard.cli.progress import PlainProgress

    return PlainProgress(render.write)


def check_input(context: str, dockerfile: str | None) -> None:
    """Raises :class:`InvalidInput` where standard input would have to be two things."""
    if context == "-" and dockerfile == "-":
        raise InvalidInput(
            "invalid argument: can't use stdin for both build context and dockerfile",
            hint="give the context as a directory or an address",
        )


def write_id(path: str, image_id: str) -> None:
    """Writes the file of ``--iidfile``."""
    try:
        with open(path, "w", encoding="ascii") as stream:
            stream.write(image_id)
    except OSError as error:
        raise InvalidInput(
            f"cannot write {os.path.abspath(path)}: {error.strerror}", hint="--iidfile names it"
        ) from error
