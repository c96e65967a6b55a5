"""``compose up``."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from dockyard.cli import render
from dockyard.cli.command import define
from dockyard.cli.compose import board, build_view, creation
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import UsageProblem, argument, option, whole_number
from dockyard.compose.model.project import Project
from dockyard.compose.options import CreateOptions, StartOptions
from dockyard.compose.selection import Along
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine

_ATTACHED = ("abort_on_container_exit", "abort_on_container_failure", "attach",
             "attach_dependencies", "watch")  # fmt: skip
_END_OF_DRY_RUN = "end of 'compose up' output, interactive run is not supported in dry-run mode"


@define("compose up", "[OPTIONS] [SERVICE...]")
@option(
    "--abort-on-container-exit",
    is_flag=True,
    help="Stops all containers if any container was stopped. Incompatible with -d",
)
@option(
    "--abort-on-container-failure",
    is_flag=True,
    help="Stops all containers if any container exited with failure. Incompatible with -d",
)
@option(
    "--always-recreate-deps",
    is_flag=True,
    help="Recreate dependent containers. Incompatible with --no-recreate.",
)
@option(
    "--attach",
    multiple=True,
    metavar="stringArray",
    help="Restrict attaching to the specified services. Incompatible with --attach-dependencies.",
)
@option(
    "--attach-dependencies",
    is_flag=True,
    help="Automatically attach to log output of dependent services",
)
@option("-d", "--detach", is_flag=True, help="Detached mode: Run containers in the background")
@option(
    "--exit-code-from",
    metavar="string",
    default="",
    help="Return the exit code of the selected service container. Implies"
    " --abort-on-container-exit",
)
@option(
    "--no-attach",
    multiple=True,
    metavar="stringArray",
    help="Do not attach (stream logs) to the specified services",
)
@option("--no-color", is_flag=True, help="Produce monochrome output")
@option("--no-deps", is_flag=True, help="Don't start linked services")
@option("--no-log-prefix", is_flag=True, help="Don't print prefix in logs")
@option("--no-start", is_flag=True, help="Don't start the services after creating them")
@option(
    "-V",
    "--renew-anon-volumes",
    is_flag=True,
    help="Recreate anonymous volumes instead of retrieving data from the previous containers",
)
@option(
    "-t",
    "--timeout",
    read=whole_number,
    metavar="int",
    help="Use this timeout in seconds for container shutdown when attached or when containers"
    " are already running",
)
@option("--timestamps", is_flag=True, help="Show timestamps")
@option(
    "--wait", is_flag=True, help="Wait for services to be running|healthy. Implies detached mode."
)
@option(
    "--wait-timeout",
    read=whole_number,
    metavar="int",
    default=0,
    help="Maximum duration in seconds to wait for the project to be running|healthy",
)
@option("--menu", is_flag=True, help="Enable interactive shortcuts when running attached.")
@option(
    "-w",
    "--watch",
    is_flag=True,
    help="Watch source code and rebuild/refresh containers when files are updated.",
)
@option("--quiet-build", is_flag=True, help="Suppress the build output")
@creation.flags
@argument("services", many=True, required=False)
@with_compose
def command(engine: Engine, flags: Flags, /, services: tuple[str, ...], **values: Any) -> int:
    """Makes and starts what the file says, and shows what the containers print."""
    _check(values)
    if values["exit_code_from"] and not values["abort_on_container_failure"]:
        values["abort_on_container_exit"] = True
    along: Along = "nothing" if values["no_deps"] else "dependencies"
    project = projects.load(flags, services, along=along, resolved=True)
    if not project.services:
        raise InvalidInput("no service selected", hint="give the file a service, or --profile")
    for name in filter(None, (values["exit_code_from"],)):
        creation.require(project, name)
    project = creation.scaled(project, values["scale"])
    options = creation.options(flags, services, values)
    if values["no_start"]:
        creation.create(engine, flags, project, options, quiet=values["quiet_build"])
        return 0
    if values["menu"]:
        render.print_warning("--menu has no effect: there is no menu of keys")
    if values["detach"] or values["wait"]:
        return _detached(engine, flags, project, options, values)
    return _attached(engine, flags, project, options, values)


def _check(values: dict[str, Any]) -> None:
    creation.check(values)
    cascades = values["abort_on_container_exit"] or values["exit_code_from"]
    if cascades and values["abort_on_container_failure"] and not values["exit_code_from"]:
        raise UsageProblem(
            "--abort-on-container-failure cannot be combined with --abort-on-container-exit",
            hint="the second one ends all whatever the exit code: leave one of them out",
        )
    if values["attach"] and values["attach_dependencies"]:
        raise UsageProblem(
            "cannot combine --attach and --attach-dependencies",
            hint="--attach names all whose output is shown",
        )
    if values["no_build"] and values["watch"]:
        raise UsageProblem(
            "--no-build and --watch are incompatible", hint="watching builds what has changed"
        )
    given = [name for name in _ATTACHED if values[name]] or (
        ["exit_code_from"] if values["exit_code_from"] else []
    )
    for flag in ("wait", "detach"):
        if values[flag] and given:
            raise UsageProblem(
                f"--{flag} cannot be combined with --abort-on-container-exit,"
                " --abort-on-container-failure, --attach, --attach-dependencies or --watch",
                hint=f"they are for up in the foreground: leave --{flag} out",
            )


def _detached(
    engine: Engine, flags: Flags, project: Project, options: CreateOptions, values: dict[str, Any]
) -> int:
    start = StartOptions(wait=values["wait"], wait_timeout=values["wait_timeout"] or None)
    with (
        creation.interruptible(),
        build_view.shown(flags, quiet=values["quiet_build"]) as built,
        board.shown("Running", flags) as listener,
    ):
        engine.stacks.up(project, options, start, listener=listener, built=built)
    return 0


def _attached(
    engine: Engine, flags: Flags, project: Project, options: CreateOptions, values: dict[str, Any]
) -> int:
    watched = _watched(project, options.services, values)
    creation.create(engine, flags, project, options, title="Running", quiet=values["quiet_build"])
    if flags.dry_run:
        render.print_note(_END_OF_DRY_RUN)
        return 0
    from dockyard.cli.compose.attached import Attached, Ending  # not where it is detached

    ending = Ending(
        on_exit=values["abort_on_container_exit"],
        on_failure=values["abort_on_container_failure"],
        code_from=values["exit_code_from"],
        seconds=values["timeout"],
    )
    attached = Attached(
        engine, flags, project, watched, ending, colour=not values["no_color"],
        prefix=not values["no_log_prefix"], timestamps=values["timestamps"],
        watches=values["watch"],
    )  # fmt: skip
    with creation.interruptible():
        return attached.run()


def _watched(
    project: Project, services: Collection[str], values: dict[str, Any]
) -> tuple[str, ...]:
    """The services whose output is shown."""
    if values["attach"]:
        unknown = [name for name in values["attach"] if name not in project.services]
        if unknown:
            raise InvalidInput(
                f"cannot attach to services not included in up: {', '.join(unknown)}",
                hint=f"there are {', '.join(project.services)}",
            )
        found = tuple(values["attach"])
    else:
        named = project.services if values["attach_dependencies"] or not services else services
        found = tuple(
            name
            for name in named
            if name in project.services and project.services[name].attach is not False
        )
    return tuple(name for name in found if name not in values["no_attach"])
