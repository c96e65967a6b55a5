"""Where a server leads: the addresses that it gives, and which of them are its own. Pure."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from dockyard.errors import HostileInput
from dockyard.registry.problems import shown


def is_same(url: str, other: str) -> bool:
    """True for the same scheme, host and port: who may see what one is."""
    return _origin(url) == _origin(other)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, parts.hostname or "", parts.port or default


def next_url(current: str, location: str, *, plain: bool) -> str:
    """Where a server leads. Pure.

    Raises:
        HostileInput: out of the web, or from an encrypted server to a plain one.
    """
    host = urlsplit(current).netloc.rpartition("@")[2]
    try:
        parts = urlsplit(urljoin(current, location.strip()))
        whole = bool(location and parts.hostname) and parts.port != 0
    except ValueError:
        parts, whole = urlsplit(""), False
    if not whole or parts.scheme not in {"http", "https"} or not location.isprintable():
        raise HostileInput(
            f"{host} leads to an address that makes no sense", hint="ask whoever runs it",
            reference="bad-redirect",
        )  # fmt: skip
    if parts.scheme == "http" and current.startswith("https:") and not plain:
        raise HostileInput(
            f"{host} leads to {shown(parts.geturl())}, which is not encrypted",
            hint="ask whoever runs it", reference="redirect-not-encrypted",
        )  # fmt: skip
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
