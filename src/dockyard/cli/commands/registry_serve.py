"""``dockyard registry serve``: a private registry, until it is told to end."""

from __future__ import annotations

import os

from dockyard.cli import registry_access
from dockyard.cli.command import define
from dockyard.cli.line import option
from dockyard.cli.output import say

_DEFAULT = "127.0.0.1:5000"


@define("registry serve")
@option("--addr", "addresses", multiple=True, metavar="HOST:PORT",
        help=f"Address to listen at (default {_DEFAULT})",
        meant_by=("--port", "--publish", "--listen", "--bind", "--host", "-p", "-H"))  # fmt: skip
@option("--insecure-http", is_flag=True,
        help="Serve other hosts without TLS: passwords travel in the clear")  # fmt: skip
@option("--mirror", default="", metavar="registry",
        help="Registry whose content is fetched when it is asked for, and kept")  # fmt: skip
@option("--open", "everybody", is_flag=True,
        help="Serve other hosts while there are no users: everybody may do everything")  # fmt: skip
@option("--print-unit", is_flag=True, help="Print a unit of systemd that serves like this")
@registry_access.root
@option("--share", default="", metavar="directory",
        help="Root of an engine; content that both have is stored once (default: DOCKYARD_ROOT,"
        " where the registry is in it)")  # fmt: skip
@option("--tlscert", default="", metavar="file", help="Path to TLS certificate file")
@option("--tlskey", default="", metavar="file", help="Path to TLS key file")
@option("--url", default="", metavar="URL",
        help="Where clients reach it, if a proxy is in front")  # fmt: skip
def command(
    *, addresses: tuple[str, ...], insecure_http: bool, everybody: bool, mirror: str,
    print_unit: bool, root: str | None, share: str, tlscert: str, tlskey: str, url: str,
) -> None:  # fmt: skip
    """Serves until SIGTERM."""
    from dockyard.cli.registry_root import directory, engine_of
    from dockyard.config import Config
    from dockyard.registry.server import listening, serve

    settings = serve.Settings(
        root=directory(root), listen=tuple(listening.read(addresses or (_DEFAULT,))),
        certificate=_absolute(tlscert), key=_absolute(tlskey), insecure_http=insecure_http,
        open=everybody, url=url,
        mirror=mirror, share=share or engine_of(directory(root)),
    )  # fmt: skip
    if print_unit:
        from dockyard.registry.server import unit

        say(unit.text(settings, unit.environment()), end="")
        return
    serve.serve(settings, Config.from_environment(), started=_tell)


def _absolute(path: str) -> str:
    """A service starts elsewhere."""
    return os.path.abspath(path) if path else ""


def _tell(addresses: list[str]) -> None:
    """What was bound, for whoever waits for it."""
    for one in addresses:
        say(f"listening at {one}")
