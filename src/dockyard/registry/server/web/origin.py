"""Pages in a browser on this host: they may not speak to a registry that is open to this host.

A page sends requests to where it likes, and a name of its own may lead to the loopback. Browsers
then name that page's host in ``Host``, or the page in ``Origin``; no client of a registry does.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from dockyard.registry.server import listening, problems
from dockyard.registry.server.service import Service


def require_client(service: Service, request: web.Request) -> None:
    """Refuses what a browser was made to send, as long as there is nothing else that keeps it out.

    Raises:
        problems.Refused: it may come from a page.
    """
    if not service.gate.is_open:
        return
    if "Origin" in request.headers:
        raise problems.denied("a registry without users answers no web pages")
    if service.is_local and not is_ours(request.headers.get("Host", ""), service.url):
        raise problems.denied(
            "a registry without users answers to localhost only: say --url to give it another name"
        )


def is_ours(host: str, url: str) -> bool:
    """True where a ``Host`` means the loopback, or the address that clients are told. Pure."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return listening.is_loopback(name) or name == (urlsplit(url).hostname or "localhost")
    except ValueError:
        return False
