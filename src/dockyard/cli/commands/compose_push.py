"""``compose push``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import canceled, define
from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.render import print_warning
from dockyard.compose.shipping import Shipping

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose push", "[OPTIONS] [SERVICE...]")
@option("--ignore-push-failures", "ignore_failures", is_flag=True,
        help="Push what it can and ignores images with push failures")  # fmt: skip
@option("--include-deps", is_flag=True,
        help="Also push images of services declared as dependencies")  # fmt: skip
@option("-q", "--quiet", is_flag=True, help="Push without printing progress information")
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    ignore_failures: bool,
    include_deps: bool,
    quiet: bool,
) -> None:
    """Pushes the images of services that are built."""
    project = projects.load(flags, services, along="dependencies" if include_deps else "nothing")
    try:
        with board.shown("Pushing", flags._replace(progress="quiet") if quiet else flags) as heard:
            Shipping(
                engine=engine, project=project, listener=heard,
                warn=print_warning, quiet=quiet, ignore_failures=ignore_failures,
                parallel=flags.parallel, dry_run=flags.dry_run,
            ).push()  # fmt: skip
    except KeyboardInterrupt:
        raise canceled("push", kept="what has arrived is not sent again") from None
