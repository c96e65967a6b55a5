"""``compose build``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dockyard.arguments import parse_size
from dockyard.cli import render, transfer_progress
from dockyard.cli.command import canceled, define
from dockyard.cli.commands.build import pair, renderer, warnings_last
from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.compose import selection, unsupported
from dockyard.compose.build import bake, plan
from dockyard.compose.build.apply import Builder
from dockyard.compose.build.plan import BuildOptions, Job
from dockyard.compose.model.project import Project
from dockyard.compose.progress import Step

if TYPE_CHECKING:
    from dockyard.engine import Engine

_KINDS = {"json": "rawjson"}
_GLOBAL = (
    "--progress is a global compose flag, better use `dockyard compose --progress xx build ..."
)
"""In Docker Compose's words, which has the flag of ``build`` for old scripts."""


@define("compose build", "[OPTIONS] [SERVICE...]")
@option("--build-arg", "args", multiple=True, metavar="stringArray", read=pair,
        help="Set build-time variables for services")  # fmt: skip
@option("--check", is_flag=True, help="Check build configuration")
@option("-m", "--memory", read=parse_size, metavar="bytes",
        help="Set memory limit for the build container. Not supported by BuildKit.")  # fmt: skip
@option("--no-cache", is_flag=True, help="Do not use cache when building the image")
@option("--print", "as_bake", is_flag=True, help="Print equivalent bake file")
@option("--pull", is_flag=True, help="Always attempt to pull a newer version of the image")
@option("--push", is_flag=True, help="Push service images")
@option("--progress", metavar="string", default="", hidden=True,
        help="Set type of ui output (auto, tty, plain, json, quiet)")  # fmt: skip
@option("-q", "--quiet", is_flag=True, help="Suppress the build output")
@option("--ssh", metavar="string",
        help="Set SSH authentications used when building service images. (use 'default' for"
        " using your default SSH Agent)")  # fmt: skip
@option("--with-dependencies", is_flag=True, help="Also build dependencies (transitively)")
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    args: tuple[tuple[str, str | None], ...],
    as_bake: bool,
    check: bool,
    memory: int | None,
    no_cache: bool,
    pull: bool,
    progress: str,
    push: bool,
    quiet: bool,
    ssh: str | None,
    with_dependencies: bool,
) -> int:
    """Builds the services' images, side by side where they don't need each other."""
    if memory is not None:
        render.print_warning("--memory is not supported by BuildKit and will be ignored")
    flags = _drawn(flags, progress)
    project = selection.enabled(projects.load_project(flags), services)
    along = selection.selected(
        project, services, "dependencies" if with_dependencies else "nothing"
    )
    options = BuildOptions(
        args=dict(args), no_cache=no_cache, pull=pull, push=push,
        ssh=() if ssh is None else (ssh or "default",),
    )  # fmt: skip
    wanted = plan.jobs(project, along.services, options)
    _warn(project, wanted)
    if as_bake:
        say(json.dumps(bake.document(wanted), indent=2, ensure_ascii=False))
        return 0
    if check:
        return _check(engine, wanted)
    try:
        _build(engine, flags, project, tuple(along.services), options, quiet=quiet)
    except KeyboardInterrupt as error:
        raise canceled("build", kept="finished steps are cached") from error
    return 0


def _drawn(flags: Flags, progress: str) -> Flags:
    if not progress:
        return flags
    render.print_note(_GLOBAL)
    return flags.drawn(progress)


def _warn(project: Project, wanted: Mapping[str, Job]) -> None:
    services = {**project.services, **project.disabled}
    for name in wanted:
        for sentence in unsupported.of_build(services[name]):
            render.print_warning(sentence)


def _build(
    engine: Engine, flags: Flags, project: Project, services: tuple[str, ...],
    options: BuildOptions, *, quiet: bool,
) -> None:  # fmt: skip
    if flags.dry_run:
        with board.shown("Building", flags) as listener:
            for job in plan.jobs(project, services, options).values():
                listener(Step(job.image, "Built", "done"))
        return
    kind = "quiet" if quiet or flags.progress == "quiet" else flags.progress
    building = Builder(
        engine=engine, project=project, options=options, parallel=flags.parallel,
        pushed=lambda name: _push(engine, name, quiet=quiet),
    )  # fmt: skip
    if kind == "quiet":
        building.build(services)
        return
    done: list[Step] = []
    kind = _KINDS.get(kind, kind)
    with warnings_last(kind) as sorted_out, renderer(kind) as drawn:
        building.heard_by(sorted_out(drawn), done.append).build(services)
    with board.shown("Building", flags) as listener:
        for step in done:
            listener(step)


def _push(engine: Engine, name: str, *, quiet: bool) -> None:
    with transfer_progress.shown(quiet=quiet) as listener:
        engine.push(name, listener=listener)


def _check(engine: Engine, wanted: Mapping[str, Job]) -> int:
    """``--check``: what the checks found; 1 where they found anything."""
    from dockyard.cli import check_view

    code = 0
    for job in wanted.values():
        report = engine.check_dockerfile(
            job.context, dockerfile=job.source, build_args=dict(job.args), target=job.target
        )
        say(check_view.text(report), end="")
        code = code or (1 if report.findings else 0)
    return code
