"""``login``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.cli.render import print_error, print_note, print_warning, write
from dockyard.config import Config
from dockyard.errors import DockyardError, InvalidInput
from dockyard.registry.model import Credential

if TYPE_CHECKING:
    from dockyard.registry.client import Client

_MAX_SECRET = 64 << 10


@define("login", "[OPTIONS] [SERVER]")
@option("-u", "--username", help="Username")
@option("-p", "--password", help="Password or Personal Access Token (PAT)")
@option("--password-stdin", is_flag=True,
        help="Take the Password or Personal Access Token (PAT) from stdin")  # fmt: skip
@argument("server", default="")
def command(
    *, server: str, username: str | None, password: str | None, password_stdin: bool
) -> None:
    """Shows a registry who one is, and keeps it for ``pull`` and ``push``."""
    from dockyard.registry import login
    from dockyard.registry.client import Client
    from dockyard.registry.transport import environment

    check(username, password, from_stdin=password_stdin)
    if password is not None:
        print_warning("using --password via the CLI is insecure: use --password-stdin")
    if password_stdin:
        password = _from_stdin()
    registry = login.registry_of(server)
    with Client.from_config(Config.from_environment(), print_warning) as client:
        known = client.known(registry) if username is None and password is None else None
        if known is None or not _still_good(client, registry, known):
            login.sign_in(client, registry, _asked(username, password), environment())
    say("Login Succeeded")


def check(username: str | None, password: str | None, *, from_stdin: bool) -> None:
    """Refuses options that contradict each other, in Docker's words. Pure.

    Raises:
        InvalidInput: they do.
    """
    if from_stdin and password is not None:
        raise InvalidInput(
            "conflicting options: cannot specify both --password and --password-stdin",
            hint="--password-stdin is the safe one: no list of processes shows it",
        )
    if from_stdin and username is None:
        raise InvalidInput(
            "the --password-stdin option requires --username to be set", hint="give -u as well"
        )
    from dockyard.registry import login

    login.check(username, password)


def _from_stdin() -> str:
    text = sys.stdin.read(_MAX_SECRET).removesuffix("\n").removesuffix("\r")
    if not text:
        raise InvalidInput("password is empty", hint="nothing came on standard input")
    return text


def _still_good(client: Client, registry: str, known: Credential) -> bool:
    """Whether what was kept earlier still does; why it doesn't is said."""
    from dockyard.registry import login

    print_note(f"Authenticating with existing credentials... [Username: {known.username}]")
    try:
        login.log_in(client, registry, known)
    except DockyardError as error:
        print_error(error)
        return False
    return True


def _asked(username: str | None, password: str | None) -> Credential:
    """What was given, and what the user types."""
    if username is None or password is None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise InvalidInput(
                "cannot perform an interactive login from a non TTY device",
                hint="give -u and --password-stdin",
            )
        import getpass

        if username is None:
            write("Username: ")
            username = sys.stdin.readline(_MAX_SECRET).strip()
        if password is None:
            password = getpass.getpass("Password: ", stream=sys.stderr)
    check(username, password, from_stdin=False)
    return Credential(username, password)
