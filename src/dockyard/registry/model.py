"""What a registry gives, and who one is there: values, without I/O."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from dockyard.oci import reference as references


class Readable(Protocol):
    """What bytes are read from, in one direction."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class Document(msgspec.Struct, frozen=True):
    """A manifest or an index, byte for byte as the registry keeps it."""

    media_type: str
    digest: str
    data: bytes


class Credential(msgspec.Struct, frozen=True):
    """Who one is at one registry. Its text shows none of it."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    """Exchanged for tokens of access (OAuth2's refresh token); the password isn't used then."""
    registry_token: str = ""
    """Sent as it is."""

    @property
    def empty(self) -> bool:
        return not (self.username or self.password or self.identity_token or self.registry_token)

    def __repr__(self) -> str:
        return "Credential(...)"


class Trust(msgspec.Struct, frozen=True):
    """Whom a server of a registry is believed to be by; and who one is to it."""

    insecure: bool = False
    """Any certificate will do, and plain HTTP as well."""
    authorities: tuple[str, ...] = ()
    """Files with certificate authorities, besides those of the host."""
    certificate: str = ""
    key: str = ""
    """Files with a client's certificate and its private key."""


class Place(msgspec.Struct, frozen=True):
    """One server that has what a registry has: the registry itself, or a mirror of it."""

    host: str
    """Host with an optional port."""
    trust: Trust
    schemes: tuple[Literal["https", "http"], ...] = ("https",)
    """Tried in this order."""
    prefix: str = ""
    """What is put before the repository there."""
    is_mirror: bool = False

    def repository(self, path: str) -> str:
        """The repository's path on this server."""
        return f"{self.prefix}/{path}" if self.prefix else path


HUB_HOST = "registry-1.docker.io"
"""Who answers for ``docker.io``."""
HUB_KEY = "https://index.docker.io/v1/"
"""What Docker calls the Hub in its configuration."""


def server_of(registry: str) -> str:
    """The host that answers for a registry's name."""
    return HUB_HOST if registry == references.DEFAULT_REGISTRY else registry
