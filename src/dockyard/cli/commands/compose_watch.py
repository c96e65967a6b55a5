"""``compose watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board, build_view
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.compose.log_view import LogView
from dockyard.cli.line import argument, option
from dockyard.cli.output import write_all
from dockyard.compose import selection
from dockyard.compose.options import CreateOptions
from dockyard.compose.watch import apply as watching
from dockyard.compose.watch.apply import Watching

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose watch", "[SERVICE...]")
@option("--no-up", is_flag=True, help="Do not build & start services before watching")
@option("--prune", is_flag=True, default=True,
        help="Prune dangling images on rebuild (default true)")  # fmt: skip
@option("--quiet", is_flag=True, help="hide build output")
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine, flags: Flags, services: tuple[str, ...], *, no_up: bool, prune: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Brings the services up, and keeps them as their files are, until Ctrl-C."""
    project = projects.load(flags, services, resolved=True)
    with watching.alone(engine, project.name), build_view.shown(flags, quiet=quiet) as built:
        if not no_up:
            fresh = selection.with_services(project, watching.built_first)
            options = CreateOptions(services=services, recreate_dependencies="never",
                                    dry_run=flags.dry_run, parallel=flags.at_once)  # fmt: skip
            with board.shown("Running", flags) as listener:
                engine.stacks.up(fresh, options, listener=listener, built=built)
        if flags.dry_run:
            return
        view = LogView(colour=False, prefix=False)
        Watching(
            engine=engine,
            project=selection.selected(project, services),
            printed=lambda line: write_all(1, view.text(line)),
            showing=lambda: build_view.shown(flags, quiet=quiet),
            prune=prune,
        ).run()
