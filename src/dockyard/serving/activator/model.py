"""What the controller and the activator tell each other. Both are files and sockets below run/.

The controller writes ``targets.json`` by rename; the activator watches it. The activator answers
``GET /stats`` on its admin socket, and wakes the controller through its FIFO when something begins
to wait.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.serving.gateway.model import Backend
from dockyard.serving.model import Protocol

Condition = Literal["starting", "serving", "failed", "stopped"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A variant as the activator is to serve it."""

    id: str
    socket: str
    """Path of the Unix socket to serve it at."""
    backends: tuple[Backend, ...] = ()
    """Replicas that are ready, or about to be: the activator tries."""
    probing: tuple[Backend, ...] = ()
    """Replicas that were started and aren't known to be ready: the activator probes them every few
    milliseconds, so that the first request doesn't wait for the controller."""
    ready_path: str = ""
    ready_timeout: float = 1.0
    """Seconds of one probe."""
    keep_alive: float = 5.0
    """Seconds for which a replica keeps idle connections; they are used no longer than half."""
    protocol: Protocol = "http1"
    concurrency: int = 0
    """Requests at a time for each replica; 0 for no limit."""
    queue: int = 100
    """Requests that may wait; one more gets 503 with ``Retry-After``."""
    timeout: float = 300.0
    """Seconds a request may take, waiting included; 0 for no limit."""
    idempotent: bool = False
    """A request may be tried again though a replica may have begun it."""
    max_body: int = 32 << 20
    condition: Condition = "serving"
    reason: str = ""
    """Why it ``failed``, or was ``stopped``: what waits is answered 503 with it at once."""
    retry_after: float = 1.0
    """Seconds until a start is tried again."""


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """``targets.json``."""

    wake: str
    """The controller's FIFO: a byte in it has the controller look at once."""
    admin: str
    """Path of the Unix socket of the activator's own figures."""
    targets: tuple[Target, ...] = ()
    version: int = 0


class Figures(msgspec.Struct, kw_only=True):
    """What went through the activator for one target, since it started."""

    waiting: int = 0
    """Requests without a replica, now."""
    active: int = 0
    """Requests that a replica works on, now."""
    total: int = 0
    """Requests that came."""
    held: int = 0
    """Of these, had to wait."""
    overflowed: int = 0
    """503 as the queue was full."""
    failed: int = 0
    """503 as the start failed, or 504 as time was over."""
    cold: int = 0
    """Requests that came while there was no replica."""
    last: float = 0.0
    """Seconds since 1970 of the last request's arrival or end."""
    ready: tuple[Backend, ...] = ()
    """Replicas that answered a probe: the controller may take them for ready."""


class Stats(msgspec.Struct, kw_only=True):
    """The answer of ``GET /stats``."""

    pid: int
    started: float
    """Seconds since 1970."""
    version: int
    """Of the targets that it serves now."""
    targets: dict[str, Figures]
