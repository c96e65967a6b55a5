"""``compose run``."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from dockyard import arguments
from dockyard.cli.command import define
from dockyard.cli.compose import board, build_view
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import UsageProblem, argument, one_of, option
from dockyard.cli.options import read_text
from dockyard.cli.output import say
from dockyard.compose import oneoff
from dockyard.compose.load import dotenv
from dockyard.compose.model.project import Project
from dockyard.compose.oneoff import RunOptions
from dockyard.compose.options import CreateOptions
from dockyard.compose.running import OneOff, Prepared
from dockyard.compose.selection import Along
from dockyard.containers.detach import parse_keys
from dockyard.errors import InvalidInput
from dockyard.networks.ports import parse_publish

if TYPE_CHECKING:
    from dockyard.containers.model import Container
    from dockyard.engine import Engine

_NOT_GIVEN = ""
"""Of a switch whose default depends on others."""


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput("label must be set as KEY=VALUE", hint="such as -l kind=job")
    return name, value


@define("compose run", "[OPTIONS] SERVICE [COMMAND] [ARGS...]", options_end_at_argument=True)
@option("--build", is_flag=True, help="Build image before starting container")
@option("--cap-add", multiple=True, metavar="list", help="Add Linux capabilities")
@option("--cap-drop", multiple=True, metavar="list", help="Drop Linux capabilities")
@option("-d", "--detach", is_flag=True,
        help="Run container in background and print container ID")  # fmt: skip
@option("--entrypoint", metavar="string", help="Override the entrypoint of the image")
@option("-e", "--env", multiple=True, metavar="stringArray", help="Set environment variables")
@option("--env-from-file", "env_files", multiple=True, metavar="stringArray",
        help="Set environment variables from file")  # fmt: skip
@option("-i", "--interactive", is_flag=True, default=True,
        help="Keep STDIN open even if not attached")  # fmt: skip
@option("-l", "--label", "--labels", "labels", multiple=True, metavar="stringArray", read=_label,
        help="Add or override a label")  # fmt: skip
@option("--name", metavar="string", help="Assign a name to the container")
@option("-T", "--no-TTY", "no_tty", is_flag=True,
        help="Disable pseudo-TTY allocation (default: auto-detected)")  # fmt: skip
@option("--no-deps", is_flag=True, help="Don't start linked services")
@option("-p", "--publish", multiple=True, metavar="stringArray",
        help="Publish a container's port(s) to the host")  # fmt: skip
@option("--pull", read=one_of(("always", "missing", "never", "build", "if_not_present")),
        metavar="string",
        help='Pull image before running ("always"|"missing"|"never")')  # fmt: skip
@option("-q", "--quiet", is_flag=True, help="Don't print anything to STDOUT")
@option("--quiet-build", is_flag=True, help="Suppress progress output from the build process")
@option("--quiet-pull", is_flag=True, help="Pull without printing progress information")
@option("--remove-orphans", is_flag=True,
        help="Remove containers for services not defined in the Compose file")  # fmt: skip
@option("--rm", "remove", is_flag=True,
        help="Automatically remove the container when it exits")  # fmt: skip
@option("-P", "--service-ports", is_flag=True,
        help="Run command with all service's ports enabled and mapped to the host")  # fmt: skip
@option("-t", "--tty", is_flag=True, default=_NOT_GIVEN, hidden=True,
        help="Allocate a pseudo-TTY")  # fmt: skip
@option("--use-aliases", is_flag=True,
        help="Use the service's network useAliases in the network(s) the container connects"
        " to")  # fmt: skip
@option("-u", "--user", default="", metavar="string", help="Run as specified username or uid")
@option("-v", "--volume", "--volumes", "volumes", multiple=True, metavar="stringArray",
        help="Bind mount a volume")  # fmt: skip
@option("-w", "--workdir", default="", metavar="string",
        help="Working directory inside the container")  # fmt: skip
@argument("service")
@argument("words", many=True, required=False)
@with_compose
def command(
    engine: Engine, flags: Flags, /, service: str, words: tuple[str, ...], **values: Any
) -> int:
    """Runs a command in a container of its own; the exit code is the command's."""
    if values["publish"] and values["service_ports"]:
        raise UsageProblem("--service-ports and --publish are incompatible",
                           hint="leave one of them out")  # fmt: skip
    along: Along = "nothing" if values["no_deps"] else "dependencies"
    project = projects.load(flags, (service,), along=along, resolved=True)
    asked = _asked(project, words, values)
    detach = values["detach"]
    if asked.tty and asked.interactive and not detach:
        from dockyard.cli.foreground import require_terminal

        require_terminal()
    quiet = values["quiet"] or values["quiet_pull"]
    shown = flags._replace(progress="quiet") if quiet else flags
    with (
        build_view.shown(shown, quiet=quiet or values["quiet_build"]) as built,
        board.shown("Running", shown) as listener,
    ):
        single = OneOff(
            engine=engine, project=project, create=_creation(flags, values), listener=listener,
            built=built,
        )  # fmt: skip
        prepared = single.prepare(service, asked)
    if prepared is None:
        return 0
    return _run(single, prepared, detach=detach, quiet=values["quiet"])


def _creation(flags: Flags, values: dict[str, Any]) -> CreateOptions:
    return CreateOptions(
        build="always" if values["build"] else "missing", pull=values["pull"] or "",
        quiet_pull=values["quiet_pull"], remove_orphans=values["remove_orphans"],
        ignore_orphans=True, dry_run=flags.dry_run, parallel=flags.at_once,
    )  # fmt: skip


def _asked(project: Project, words: tuple[str, ...], values: dict[str, Any]) -> RunOptions:
    entrypoint = values["entrypoint"]
    env = {name: value if equals else None
           for name, equals, value in (each.partition("=") for each in values["env"])}  # fmt: skip
    return RunOptions(
        command=words,
        entrypoint=None if entrypoint is None else tuple(shlex.split(entrypoint)),
        env=oneoff.environment(project, env, map(_variables, values["env_files"])),
        labels=dict(values["labels"]),
        name=values["name"] or "",
        user=values["user"],
        working_dir=values["workdir"],
        cap_add=values["cap_add"],
        cap_drop=values["cap_drop"],
        mounts=tuple(arguments.parse_volume(each, os.getcwd()) for each in values["volumes"]),
        ports=tuple(port for each in values["publish"] for port in parse_publish(each)),
        service_ports=values["service_ports"],
        use_aliases=values["use_aliases"],
        tty=_wants_terminal(values),
        interactive=values["interactive"],
        remove=values["remove"],
    )


def _variables(path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    dotenv.parse(read_text(path), path, os.environ.get, found, lambda _sentence: None)
    return found


def _wants_terminal(values: dict[str, Any]) -> bool:
    """By default where there is one, as with Docker Compose."""
    if values["tty"] != _NOT_GIVEN:
        if values["no_tty"]:
            raise UsageProblem("--tty and --no-TTY can't be used together",
                               hint="leave one of them out")  # fmt: skip
        return bool(values["tty"])
    return not values["no_tty"] and sys.stdout.isatty() and os.isatty(0)


def _run(single: OneOff, prepared: Prepared, *, detach: bool, quiet: bool) -> int:
    if detach:

        def created(container: Container) -> None:
            if not quiet:
                say(container.id)

        single.run(prepared, created=created)
        return 0
    from dockyard.cli.foreground import EVERYTHING, OUTPUT, streams

    console = prepared.options.console
    wanted = EVERYTHING if console.interactive else OUTPUT
    attached = streams(
        wanted - OUTPUT if quiet else wanted, tty=console.tty, proxy=not console.tty,
        keys=parse_keys(""),
    )  # fmt: skip
    return single.run(prepared, attached).exit_code
