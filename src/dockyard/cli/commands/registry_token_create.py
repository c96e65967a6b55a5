"""``registry token create``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.cli.render import print_note
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager

_NEVER = "never"


@define("registry token create", "[OPTIONS] NAME")
@option("--grant", "grants", multiple=True, metavar="PATTERN:ACTIONS",
        help="What the robot may, such as 'team-a/**:pull,push'")  # fmt: skip
@option("--expires", metavar="duration", default="90d",
        help="How long the token is good: 24h, 90d (default) or never")  # fmt: skip
@registry_access.root
@argument("name")
@registry_access.with_new_manager
def command(manager: Manager, *, name: str, grants: tuple[str, ...], expires: str) -> None:
    """Creates a robot and prints its token, which is not shown again."""
    from dockyard.registry.access.manage import parse_grant

    lifetime = _lifetime(expires)
    secret = manager.create_robot(name, [parse_grant(one) for one in grants], lifetime)
    say(secret)
    print_note(f"The token is not shown again. Log in with: dockyard login -u 'robot${name}'"
               " --password-stdin HOST")  # fmt: skip


def _lifetime(text: str) -> int | None:
    """Seconds; ``None`` for a token that doesn't end by itself.

    Raises:
        InvalidInput: it is no length of time.
    """
    from dockyard.cli.moments import parse_duration

    seconds = parse_duration(text)
    if text != _NEVER and (seconds is None or seconds < 1):
        raise InvalidInput(
            f"invalid value for --expires: {text!r}", hint="such as 24h, 90d, or never"
        )
    return None if seconds is None else int(seconds)
