"""What is asked, when, and what came of it."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Literal
from urllib.parse import urlsplit

import msgspec

Kind = Literal["ok", "refused", "reset", "timeout", "gateway", "status", "wrong", "unsent", "other"]
"""What came of a request: an answer below 400; no connection; one that broke before the answer was
whole; no whole answer in time; a 5xx that is Dockyard's own (``x-dockyard-error``); any other
status from 400 on; an answer that isn't the expected one; not sent, since too many were in flight
already; anything else."""

MAX_REQUESTS = 1_000_000
MAX_SECONDS = 3600.0
MAX_IN_FLIGHT = 2000
MAX_BODY = 64 << 20
_PORTS = {"http": 80}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One sort of request of a load."""

    name: str = "get"
    method: str = "GET"
    path: str = ""
    """Appended to the URL's."""
    headers: dict[str, str] = {}
    body: int = 0
    """Bytes of noise to send."""
    text: str = ""
    """To send instead."""
    weight: float = 1.0
    """How many of all requests are of this sort: its part of the sum of all weights."""
    expect: str = ""
    """What the answer must contain."""
    echo: bool = False
    """The answer must contain the SHA-256 of the body, in hexadecimal."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Some time of a load: so many requests a second, whatever becomes of them (an open loop), or
    so many that are always under way (``held``). Without either, a pause."""

    seconds: float
    rate: float = 0.0
    held: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole load."""

    url: str
    steps: tuple[Step, ...]
    shapes: tuple[Shape, ...] = (Shape(),)
    timeout: float = 30.0
    """Seconds for one request, from its connection to the end of its answer."""
    in_flight: int = 512
    """Requests at a time, at most; what an open loop would send beyond is ``unsent``."""
    seed: int = 0
    """Of the order of shapes."""
    version_header: str = "x-version"
    replica_header: str = "x-replica"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One request."""

    at: float
    """Seconds since 1970, when it was due."""
    seconds: float
    """Until its answer was whole, or it failed; its delay in the generator counts."""
    name: str
    """Of its shape."""
    kind: Kind
    status: int = 0
    detail: str = ""
    version: str = ""
    replica: str = ""

    @property
    def end(self) -> float:
        """When it was over, in seconds since 1970."""
        return self.at + self.seconds


def check(plan: Plan) -> None:
    """Refuses what isn't bounded, or isn't for this machine.

    Raises:
        ValueError: with what is wrong, for the user.
    """
    address(plan.url)
    seconds = sum(step.seconds for step in plan.steps)
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"a load takes more than 0 and at most {MAX_SECONDS:.0f} seconds")
    if sum(step.seconds * step.rate for step in plan.steps) > MAX_REQUESTS:
        raise ValueError(f"a load has at most {MAX_REQUESTS} requests")
    if not 1 <= plan.in_flight <= MAX_IN_FLIGHT:
        raise ValueError(f"1 to {MAX_IN_FLIGHT} requests may be in flight")
    if any(step.held > plan.in_flight or step.held < 0 or step.rate < 0 for step in plan.steps):
        raise ValueError(f"a step holds 0 to {plan.in_flight} requests, at a rate of 0 or more")
    if any(step.held and step.rate for step in plan.steps):
        raise ValueError("a step has a rate, or holds requests; not both")
    if not plan.shapes or any(shape.weight < 0 for shape in plan.shapes):
        raise ValueError("a load needs shapes, with weights of 0 or more")
    if any(not 0 <= shape.body <= MAX_BODY for shape in plan.shapes):
        raise ValueError(f"a body has at most {MAX_BODY} bytes")


def address(url: str) -> tuple[str, int]:
    """The address and port of a URL, which must be of this machine's loopback.

    Raises:
        ValueError: it is another one. No name is looked up but ``localhost``.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"{url}: only http is spoken")
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        is_own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = False
    if not is_own:
        raise ValueError(f"{url}: only this machine is put under load: 127.0.0.1, ::1, localhost")
    return host, parts.port or _PORTS[parts.scheme]


def body_of(shape: Shape) -> bytes:
    """What is sent: the same for each request of a shape."""
    return shape.text.encode() or hashlib.shake_128(shape.name.encode()).digest(shape.body)
