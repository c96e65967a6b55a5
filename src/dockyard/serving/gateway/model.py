"""What the gateway is to do, as values; :mod:`.config` makes Envoy's documents of them."""

from __future__ import annotations

import msgspec

from dockyard.serving.model import Service


class Backend(msgspec.Struct, frozen=True, order=True):
    """A ready replica."""

    address: str
    port: int


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a variant: an Envoy cluster.

    Priority 0 has the replicas, priority 1 the activator, which gets everything while there is no
    replica, and what can be tried again when one has gone.
    """

    id: str
    """:func:`dockyard.serving.model.target_id`."""
    activator: str
    """Path of the Unix socket at which the activator serves this variant."""
    backends: tuple[Backend, ...] = ()
    """Ready ones that aren't being drained. Empty as well where all requests go through the
    activator (a strict limit of concurrency)."""


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's share of the traffic, as it is now."""

    variant: str
    weight: int
    """0 for one that was never ready yet, or that gets no traffic."""


class Key(msgspec.Struct, frozen=True):
    """An API key. Envoy compares keys as they are, so its documents, which only their owner can
    read, have them as plainly as the file that they are from."""

    key: str
    client: str = ""
    """Who has it: the replica learns it in ``x-dockyard-client``, and the access log."""

    def __repr__(self) -> str:
        """Without the key: it may come into a traceback."""
        return f"Key(client={self.client!r})"


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A service as the gateway is to serve it."""

    service: Service
    legs: tuple[Leg, ...]
    """One for each variant that isn't a shadow; ``match`` and ``shadow`` are in the service."""
    upstreams: tuple[Upstream, ...]
    """One for each variant, in the order of the service's."""
    keys: tuple[Key, ...] = ()
    """Where ``auth`` is asked for; without any, nobody comes in."""
    certificate: str = ""
    """:func:`.files.fingerprint` of the route's certificate: another one has it loaded again."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gateway of a root has what is its own."""

    directory: str
    """Its documents; :mod:`.files` writes them."""
    admin: str
    """Path of the Unix socket of Envoy's admin interface."""
    access_log: str
    """Path of the file to which each request adds a line of JSON."""
    heap: int = 1 << 30
    """Bytes of memory that its program may take; near them new requests get 503."""


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """Envoy's documents (JSON), by what they are. Each has a digest of itself as its version, so
    that one that says the same is the same, and isn't loaded again."""

    clusters: bytes
    listeners: bytes
    routes: dict[str, bytes] = {}
    """By the listener's name: Envoy takes one route table of a file."""
