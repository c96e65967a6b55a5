"""Options that several commands of ``compose`` have."""

from __future__ import annotations

from collections.abc import Mapping

from dockyard.cli.compose.flags import says_yes
from dockyard.cli.line import option, whole_number

index = option(
    "--index", read=whole_number, metavar="int", default=0,
    help="Index of the container if service has multiple replicas",
)  # fmt: skip
quiet_ids = option("-q", "--quiet", is_flag=True, help="Only display IDs")
timeout = option(
    "-t",
    "--timeout",
    read=whole_number,
    metavar="int",
    help="Specify a shutdown timeout in seconds",
)
list_format = option(
    "--format", "form", metavar="string", default="table",
    help="Format the output. Values: [table | json]",
)  # fmt: skip
remove_orphans = option(
    "--remove-orphans", is_flag=True,
    help="Remove containers for services not defined in the Compose file",
)  # fmt: skip


def wants_orphans(given: bool, environ: Mapping[str, str]) -> bool:
    """``--remove-orphans``, or the variable that stands for it."""
    return given or says_yes(environ.get("COMPOSE_REMOVE_ORPHANS", ""))
