"""``build``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from dockyard.arguments import parse_label
from dockyard.build.layering import parse_layering
from dockyard.build.outputs import IMAGE, Output, names_of, parse_output
from dockyard.build.sharing.places import parse_cache_from, parse_cache_to
from dockyard.cli import build_push, render
from dockyard.cli.build_steps import step_options, step_request
from dockyard.cli.command import GOES_ON, canceled, define, with_engine
from dockyard.cli.line import argument, one_of, option
from dockyard.cli.output import say
from dockyard.errors import InvalidInput
from dockyard.images.model import Image
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.build.progress import Event, Listener
    from dockyard.cli.live import LiveProgress
    from dockyard.cli.progress import PlainProgress
    from dockyard.cli.raw_progress import RawProgress
    from dockyard.engine import Engine

_KINDS = ("auto", "plain", "tty", "quiet", "rawjson", "none")


def pair(text: str) -> tuple[str, str | None]:
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
            hint="the form is NAME=PATH, or NAME=docker-image://REF or a URL",
        )
    return name, value


@define("build", "[OPTIONS] PATH | URL | -")
@option("--build-arg", "build_args", multiple=True, metavar="list",
        read=pair, help="Set build-time variables")  # fmt: skip
@option("--build-context", "contexts", multiple=True, metavar="list",
        read=_context,
        help="Additional build contexts (e.g., name=path)")  # fmt: skip
@option("--cache-from", multiple=True, metavar="stringArray",
        read=parse_cache_from,
        help='External cache sources (e.g., "type=local,src=path/to/dir")')  # fmt: skip
@option("--cache-to", multiple=True, metavar="stringArray",
        read=parse_cache_to,
        help='Cache export destinations (e.g., "type=local,dest=path/to/dir")')  # fmt: skip
@option("--call", metavar="string", default="build",
        help='Set method for evaluating build ("build", "check", "outline",'
        ' "targets")')  # fmt: skip
@option("--check", is_flag=True, help='Shorthand for "--call=check"')
@option("-f", "--file", "dockerfile", metavar="string",
        help='Name of the Dockerfile (default "PATH/Dockerfile"; - is STDIN)')  # fmt: skip
@option("--iidfile", metavar="string", help="Write the image ID to a file")
@option("--label", "labels", multiple=True, metavar="list",
        read=parse_label, help="Set metadata for an image")  # fmt: skip
@option("--layers", metavar="string",
        read=parse_layering,
        help='Layers of Python packages: one for each large one ("packages", the default), or'
        ' one a step ("plain")')  # fmt: skip
@option("--load", is_flag=True, hidden=True, help="What happens anyway")
@option("--metadata-file", "metadata", metavar="string",
        help="Write build result metadata to a file")  # fmt: skip
@option("--no-cache-filter", "no_cache_filter", multiple=True, metavar="stringArray",
        help="Do not cache specified stages")  # fmt: skip
@option("-o", "--output", "outputs", multiple=True, metavar="stringArray",
        read=parse_output,
        help='Output destination (format: "type=local,dest=path")')  # fmt: skip
@option("--no-cache", is_flag=True, help="Do not use cache when building the image")
@option("--platform", metavar="string", help="Set target platform for build")
@option("--progress", read=one_of(_KINDS), default="auto", metavar="string",
        help="Set type of progress output (auto, plain, tty, quiet, rawjson)")  # fmt: skip
@option("--push", is_flag=True, help="Push the image to the registries of its tags")
@option("--pull", is_flag=True, help="Always attempt to pull all referenced images")
@option("-q", "--quiet", is_flag=True,
        help="Suppress the build output and print image ID on success")  # fmt: skip
@option("-t", "--tag", "tags", multiple=True, metavar="list",
        help='Name and optionally a tag (format: "name:tag")')  # fmt: skip
@option("--target", metavar="string", help="Set the target build stage to build")
@step_options
@argument("context")
@with_engine
def command(engine: Engine, /, context: str, *, iidfile: str | None, **values: Any) -> int:
    """Builds an image; its progress goes to standard error."""
    kind = "quiet" if values["quiet"] or values["progress"] == "none" else values["progress"]
    check_input(context, values["dockerfile"])
    check_outputs(values["outputs"])
    method = "check" if values["check"] else values["call"]
    if method != "build":
        refuse_results(method, values, iidfile)
        return _call(engine, context, values, method)
    pushes = build_push.asked(engine, values["tags"], values["outputs"], flag=values["push"])
    values["tags"] = values["tags"] or names_of(values["outputs"])
    try:
        image = _build(engine, context, values, kind)
    except KeyboardInterrupt as error:
        raise canceled("build", kept=GOES_ON) from error
    if iidfile is not None:
        write(iidfile, image.id, "--iidfile")
    if values["metadata"] is not None:
        write(values["metadata"], metadata_of(image.id, values["tags"]), "--metadata-file")
    build_push.push(engine, pushes, quiet=kind == "quiet")
    if values["quiet"]:
        say(image.id)
    return 0


def _call(engine: Engine, context: str, values: dict[str, Any], method: str) -> int:
    """``--call``: the exit code."""
    name, _, form = method.partition(",")
    if form not in {"", "format=json", "format=text"}:
        raise InvalidInput(f"invalid call option {form!r}", hint="format=json or format=text")
    match name:
        case "check" | "lint":
            return _check(engine, context, values, document=form == "format=json")
        case "outline" | "targets":
            _describe(engine, context, values, name, document=form == "format=json")
            return 0
    raise InvalidInput(f"unsupported call {name!r}", hint="build, check, outline or targets")


def _describe(
    engine: Engine, context: str, values: dict[str, Any], what: str, *, document: bool
) -> None:
    """``--call=outline`` and ``--call=targets``: what the Dockerfile says of itself."""
    from dockyard.build.named import context as named
    from dockyard.build.request import BuildRequest
    from dockyard.cli import outline_view as view

    request = BuildRequest(
        context=sys.stdin.buffer if context == "-" else context,
        dockerfile=sys.stdin.buffer if values["dockerfile"] == "-" else values["dockerfile"],
        build_args=dict(values["build_args"]),
        target=values["target"] if what == "outline" else None,
        contexts={name: named(value) for name, value in values["contexts"]},
    )
    found = engine.describe_dockerfile(request)
    if what == "targets":
        text = view.targets_text(found.targets)
        shown = view.targets_document(found.targets, found.text) if document else text
    else:
        text = view.outline_text(found.outline)
        shown = view.outline_document(found.outline, found.text) if document else text
    say(shown, end="")


def _check(engine: Engine, context: str, values: dict[str, Any], *, document: bool) -> int:
    """``--check``: what the checks found; 1 where they found anything."""
    from dockyard.cli import check_view

    report = engine.check_dockerfile(
        sys.stdin.buffer if context == "-" else context,
        dockerfile=sys.stdin.buffer if values["dockerfile"] == "-" else values["dockerfile"],
        build_args=dict(values["build_args"]),
        target=values["target"],
    )
    show = check_view.document if document else check_view.text
    say(show(report), end="")
    return 1 if report.findings else 0


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
        "outputs": tuple(msgspec.structs.replace(each, push=None) for each in values["outputs"]),
        "cache_to": values["cache_to"],
        "cache_from": values["cache_from"],
        "layers": values["layers"],
        "pull": values["pull"],
        "no_cache_filter": ",".join(values["no_cache_filter"]).split(","),
        **step_request(values),
    }
    if kind == "quiet":
        return engine.build(source, **request)
    with warnings_last(kind) as sorted_out:
        with renderer(kind) as progress:
            image = engine.build(source, **request, listener=sorted_out(progress))
        if any(each.kind == "image" for each in values["outputs"] or (IMAGE,)):
            progress.finish(image.id, [str(Reference.parse(tag)) for tag in values["tags"]])
    return image


@contextlib.contextmanager
def warnings_last(kind: str) -> Iterator[Callable[[Listener], Listener]]:
    """What lets progress through to a listener; warnings are put aside, and printed at the end.

    Args:
        kind: the value of ``--progress``.
    """
    warnings: list[str] = []

    def sorted_out(progress: Listener) -> Listener:
        def listen(event: Event) -> None:
            if event.kind == "warning":
                warnings.append(event.name)
            else:
                progress(event)

        return listen

    try:
        yield sorted_out
    finally:
        if warnings and kind != "rawjson":
            from dockyard.cli import check_view

            render.write(check_view.summary(warnings))


def renderer(kind: str) -> PlainProgress | LiveProgress | RawProgress:
    """The progress for ``--progress``; ``auto`` draws on a terminal and prints lines elsewhere."""
    if kind == "tty" or (kind == "auto" and sys.stderr.isatty()):
        from rich.console import Console

        from dockyard.cli.live import LiveProgress

        return LiveProgress(Console(stderr=True, force_terminal=kind == "tty" or None))
    if kind == "rawjson":
        from dockyard.cli.raw_progress import RawProgress

        return RawProgress(render.write)
    from dockyard.cli.progress import PlainProgress

    return PlainProgress(render.write)


def refuse_results(method: str, values: Mapping[str, Any], iidfile: str | None) -> None:
    """Raises :class:`InvalidInput` where something is to be made of an image that nobody builds."""
    asked = {
        "--cache-to": values["cache_to"], "--iidfile": iidfile,
        "--metadata-file": values["metadata"], "--output": values["outputs"],
        "--push": values["push"],
    }  # fmt: skip
    flag = next((name for name, value in asked.items() if value), None)
    if flag is not None:
        call = method.partition(",")[0]
        raise InvalidInput(
            f"{flag} has nothing to write: --call={call} builds no image",
            hint=f"leave out {flag}, or build without --check and --call", exit_code=125,
        )  # fmt: skip


def check_input(context: str, dockerfile: str | None) -> None:
    """Raises :class:`InvalidInput` where standard input would have to be two things."""
    if context == "-" and dockerfile == "-":
        raise InvalidInput(
            "invalid argument: can't use stdin for both build context and dockerfile",
            hint="give the context as a directory or an address",
        )


def check_outputs(outputs: Sequence[Output]) -> None:
    """Raises :class:`InvalidInput` where an archive would go to a terminal, or two to one place."""
    streams = [output for output in outputs if output.dest == "-"]
    if streams and sys.stdout.isatty():
        raise InvalidInput(
            f"dest file is required for {streams[0].kind} exporter. refusing to write to console",
            hint="name a file, or redirect the output",
        )
    if len(streams) > 1:
        raise InvalidInput("only one output can go to standard output", hint="name files")


def metadata_of(image_id: str, tags: Sequence[str]) -> str:
    """The document of ``--metadata-file``."""
    import json

    document = {"containerimage.config.digest": image_id, "containerimage.digest": image_id}
    if tags:
        document["image.name"] = ",".join(str(Reference.parse(tag)) for tag in tags)
    return json.dumps(document, indent=2)


def write(path: str, text: str, flag: str) -> None:
    """Writes a small file that a flag asks for."""
    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InvalidInput(
            f"cannot write {os.path.abspath(path)}: {error.strerror}", hint=f"{flag} names it"
        ) from error
