"""How each registry is to be spoken to: mirrors, certificates, and where plain HTTP will do. Pure.

The files that say so are read in :mod:`dockyard.registry.settings_files`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from dockyard.errors import InvalidInput
from dockyard.oci.reference import Reference
from dockyard.registry.model import Place, Trust, server_of

_Schemes = tuple[Literal["https", "http"], ...]

_PLAIN_ALLOWED: Final[_Schemes] = ("https", "http")
_ENCRYPTED: Final[_Schemes] = ("https",)
_PLAIN: Final[_Schemes] = ("http",)


LOOPBACK: Final = ("::1/128", "127.0.0.0/8")
"""Where plain HTTP will do unasked, as in Docker."""


class Mirror(msgspec.Struct, frozen=True):
    """A server that may have what a registry has."""

    host: str
    prefix: str = ""
    scheme: Literal["", "https", "http"] = ""
    """As it was written; with ``http`` the user has said that plain HTTP will do."""

    @classmethod
    def parse(cls, text: str) -> Mirror:
        """Reads ``[http[s]://]HOST[:PORT][/PREFIX]``.

        Raises:
            InvalidInput: it is something else.
        """
        scheme, mark, rest = text.rpartition("://")
        host, _, prefix = rest.rstrip("/").partition("/")
        if (mark and scheme not in {"http", "https"}) or "@" in text or "?" in text or "#" in text:
            raise _no_mirror(text)
        check_host(host, text)
        if prefix:
            Reference.parse(f"{host}/{prefix}" if is_host(host) else f"{host}:443/{prefix}")
        found: Literal["", "https", "http"] = (
            "http" if scheme == "http" else "https" if scheme else ""
        )
        return cls(host.lower(), prefix, found)

    def __str__(self) -> str:
        return f"{self.scheme or 'https'}://{self.host}/{self.prefix}"


class Registry(msgspec.Struct, frozen=True):
    """What is set for one registry."""

    mirrors: tuple[Mirror, ...] = ()
    insecure: bool = False
    authorities: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""


class Settings(msgspec.Struct, frozen=True):
    """What is set for all of them; ``certificates`` looks into directories such as Docker's."""

    registries: Mapping[str, Registry] = {}
    certificates: Callable[[str], Trust] = lambda _: Trust()

    def places(self, registry: str, *, push: bool) -> tuple[Place, ...]:
        """Where to ask for what a registry has, in order; to push there is but the registry.

        Raises:
            InvalidInput: its port is none.
        """
        check_host(registry, registry)
        found: list[Place] = []
        for mirror in () if push else self._of(registry).mirrors:
            trust = self.trust(mirror.host)
            schemes = schemes_for(mirror.host, trust)
            if mirror.scheme:
                schemes = _PLAIN if mirror.scheme == "http" else _ENCRYPTED
            found.append(Place(mirror.host, trust, schemes, mirror.prefix, is_mirror=True))
        trust, host = self.trust(registry), server_of(registry)
        found.append(Place(host, trust, schemes_for(host, trust)))
        return tuple(found)

    def trust(self, host: str) -> Trust:
        """What is set for a host, and beside it what its directories of certificates have."""
        own, files = self._of(host), self.certificates(host)
        return Trust(
            own.insecure,
            (*own.authorities, *files.authorities),
            own.certificate or files.certificate,
            own.key or files.key,
        )

    def _of(self, host: str) -> Registry:
        return self.registries.get(host.lower(), Registry())


def schemes_for(host: str, trust: Trust) -> _Schemes:
    """Plain HTTP only where it was allowed, or never leaves this host."""
    return _PLAIN_ALLOWED if trust.insecure or is_loopback(host) else _ENCRYPTED


def is_loopback(host: str) -> bool:
    """True for this host itself, by a name or number that nobody else can answer to."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """True where an image's name could begin with it as its registry."""
    return "." in text or ":" in text or text == "localhost"


def check_host(host: str, shown: str) -> None:
    """Refuses what isn't a host with an optional port.

    Raises:
        InvalidInput: it isn't.
    """
    try:
        Reference.parse(f"{host}/a" if is_host(host) else f"{host}:443/a")
        if urlsplit(f"//{host}").port == 0:
            raise ValueError
    except (InvalidInput, ValueError):
        raise InvalidInput(
            f"not a registry: {shown!r}", hint="it is a host with an optional port, at most 65535"
        ) from None


def _no_mirror(text: str) -> InvalidInput:
    return InvalidInput(
        f"not a mirror: {text!r}", hint="such as mirror.example.com:5000, or with a path behind it"
    )
