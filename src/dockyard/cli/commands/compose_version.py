"""``compose version``."""

from __future__ import annotations

from dockyard._version import __version__
from dockyard.cli.command import define
from dockyard.cli.compose.command import with_flags
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import option
from dockyard.cli.output import say
from dockyard.errors import InvalidInput

_FORMS = (None, "", "pretty", "json")


@define("compose version")
@option("-f", "--format", "form", metavar="string",
        help="Format the output. Values: [pretty | json]. (Default: pretty)")  # fmt: skip
@option("--short", is_flag=True, help="Shows only Compose's version number")
@with_flags
def command(_flags: Flags, *, form: str | None, short: bool) -> None:
    """Prints the version, and that of Docker Compose whose words these are."""
    if form not in _FORMS:
        raise InvalidInput(f'unsupported format "{form}"', hint="pretty or json")
    if short:
        say(__version__)
    elif form == "json":
        say(f'{{"version":"{__version__}"}}')
    else:
        say(f"Dockyard Compose version {__version__}")
