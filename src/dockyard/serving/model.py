"""What a service asks for, and what it is made of: the values of ``x-dockyard``, resolved.

Durations are in seconds, sizes in bytes, weights in parts of their sum.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Metric = Literal["concurrency", "rps", "cpu", "queue"]
"""What a replica's load is measured by: requests at a time, requests a second, processors in use,
requests that wait in its queue."""
Protocol = Literal["http1", "h2c"]


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate of a listener: paths of PEM files on the host."""

    cert: str
    key: str


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests are a service's. All that is given must match."""

    listen: str
    """``ADDRESS:PORT`` of the gateway's listener."""
    path: str = "/"
    """A prefix of whole segments: ``/embed`` matches ``/embed`` and ``/embed/x``."""
    strip: bool = False
    """The replica sees the path without the prefix."""
    host: str = ""
    """A name, or ``*.example.com``; empty for all."""
    header: dict[str, str] = {}
    """Exact values by lower-case name."""
    model: str = ""
    """Requests for one model: by path (``/v2/models/NAME``), or a JSON body's ``model``."""
    tls: Tls | None = None


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How many replicas."""

    min: int = 1
    max: int = 1
    target: float = 1.0
    """Of ``metric``, a replica; processors for ``cpu``."""
    metric: Metric = "concurrency"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """How a replica says that it can serve: ``GET path`` answers 2xx or 3xx."""

    path: str = ""
    """Empty: it is ready when its port takes connections."""
    timeout: float = 1.0
    """Of one probe."""
    deadline: float = 300.0
    """A replica that isn't ready by then has failed."""


class Sticky(msgspec.Struct, frozen=True, kw_only=True):
    """A client stays with the variant that it got: by a cookie of that name."""

    cookie: str


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that wait for a replica; more get 503 with Retry-After."""

    max: int = 100


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """So many requests in ``per`` seconds, for each key; more get 429."""

    requests: int
    per: float = 1.0
    key: str = ""
    """``header:NAME``, ``ip``, or empty for all together."""


class Auth(msgspec.Struct, frozen=True, kw_only=True):
    """API keys, by ``Authorization: Bearer`` or ``X-Api-Key``."""

    keys: str
    """The file that has them, one a line (``NAME: KEY`` or ``KEY``)."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that always go to a variant, whatever its weight."""

    header: dict[str, str] = {}
    cookie: dict[str, str] = {}


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One Compose service: the service itself, or another version of it."""

    name: str
    """Of the Compose service."""
    port: int
    protocol: Protocol = "http1"
    scale: Scale = Scale()
    ready: Ready = Ready()
    concurrency: int = 0
    """Requests at a time that a replica gets at most, strictly; 0 for no such limit."""
    grace: float = 30.0
    """Without a request for so long before the last replica goes."""
    keep_alive: float = 5.0
    """For how long the server keeps idle connections; the gateway closes them before."""
    weight: int = 100
    """As in the file; what ``traffic set`` says is stored beside it."""
    match: Match | None = None
    shadow: bool = False
    """It gets a copy of each request, and its answers go nowhere."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What clients see: a route, and the variants behind it, the service's own one first."""

    project: str
    name: str
    route: Route
    variants: tuple[Variant, ...]
    timeout: float = 300.0
    """Of a whole request, with its time in a queue; 0 for none (streams)."""
    max_body: int = 32 << 20
    """A request with a larger body is passed on, but never tried again."""
    idempotent: bool = False
    """It may be tried again though a replica may have begun it."""
    sticky: Sticky | None = None
    queue: Queue = Queue()
    rate_limit: RateLimit | None = None
    auth: Auth | None = None


def target_id(project: str, variant: str) -> str:
    """What a variant is called in the gateway, the activator and metrics."""
    return f"{project}.{variant}"
