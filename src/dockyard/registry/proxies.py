"""Which proxy leads to a server: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``, as Go reads them.

Docker and Podman are written in Go; Python's own rules know neither networks (``10.0.0.0/8``) nor
that this host is never behind a proxy. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from dockyard.errors import InvalidInput, NotSupported
from dockyard.registry.settings import is_loopback

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, env: Mapping[str, str]) -> str | None:
    """The proxy's URL, with whatever credentials the variable has; ``None`` without one.

    Raises:
        InvalidInput: the variable's value is no URL.
        NotSupported: it is no proxy of the web.
    """
    parts = urlsplit(url)
    name = f"{parts.scheme}_proxy"
    value = env.get(name) or env.get(name.upper()) or ""
    if not value or is_loopback(parts.netloc.rpartition("@")[2]):
        return None
    if _exempt(parts, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    proxy = value if "://" in value else f"http://{value}"
    if not _valid(proxy):
        raise InvalidInput(
            f"{name.upper()} is not the URL of a proxy",
            hint="such as http://proxy.example.com:3128",
        )
    if urlsplit(proxy).scheme not in _PORTS:
        raise NotSupported(
            f"{name.upper()} names a proxy of a kind that is not known: {urlsplit(proxy).scheme}",
            hint="http and https are; unset it where registries need no proxy",
        )
    return proxy


def _valid(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _exempt(parts: SplitResult, listed: str) -> bool:
    host = (parts.hostname or "").rstrip(".").lower()
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return any(_matches(entry.strip().lower(), host, port) for entry in listed.split(","))


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if not entry:
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdecimal() and "]" not in wanted:
        if int(wanted) != port:
            return False
        entry = name.strip("[]")
    if entry.startswith("*."):
        entry = entry[1:]
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith(f".{entry}")
