"""``compose pull``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockyard.cli.command import canceled, define
from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, one_of, option
from dockyard.cli.render import print_warning
from dockyard.compose import selection
from dockyard.compose.model.service import Service
from dockyard.compose.shipping import Shipping

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose pull", "[OPTIONS] [SERVICE...]")
@option("--ignore-buildable", is_flag=True, help="Ignore images that can be built")
@option("--ignore-pull-failures", "ignore_failures", is_flag=True,
        help="Pull what it can and ignores images with pull failures")  # fmt: skip
@option("--include-deps", is_flag=True, help="Also pull services declared as dependencies")
@option("--no-parallel", "unused", is_flag=True, hidden=True, help="DEPRECATED")
@option("--parallel", "unused", is_flag=True, hidden=True, help="DEPRECATED")
@option("--policy", read=one_of(("missing", "always")), metavar="string",
        help='Apply pull policy ("missing"|"always")')  # fmt: skip
@option("-q", "--quiet", is_flag=True, help="Pull without printing progress information")
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    ignore_buildable: bool,
    ignore_failures: bool,
    include_deps: bool,
    policy: str | None,
    quiet: bool,
    unused: bool,  # noqa: ARG001  # as in Compose, which has these for old scripts
) -> None:
    """Pulls the services' images."""
    project = projects.load(flags, services, along="dependencies" if include_deps else "nothing")

    def by_policy(service: Service) -> Service:
        return replace(service, pull_policy=policy) if policy and service.image else service

    project = selection.with_services(project, by_policy)
    try:
        with board.shown("Pulling", flags._replace(progress="quiet") if quiet else flags) as heard:
            Shipping(
                engine=engine, project=project, listener=heard,
                warn=print_warning, quiet=quiet, ignore_failures=ignore_failures,
                parallel=flags.parallel, dry_run=flags.dry_run,
            ).pull(ignore_buildable=ignore_buildable)  # fmt: skip
    except KeyboardInterrupt:
        raise canceled("pull", kept="what came through is kept for the next try") from None
