"""A replica, and what is to be done with those of a variant."""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.serving.gateway.model import Backend
from dockyard.system.host import ProcessIdentity

State = Literal["starting", "ready", "draining", "ended"]


class Replica(msgspec.Struct, frozen=True, kw_only=True):
    """A container of a variant, as it is at one moment. Times are seconds since 1970."""

    id: str
    """The container's."""
    name: str
    number: int
    template: str
    """Hash of what it was made from."""
    state: State
    backend: Backend | None = None
    """Where it takes requests; ``None`` until it has an address."""
    gateway: str = ""
    """The host's address in its network: from there come the gateway's connections."""
    process: ProcessIdentity | None = None
    created: float = 0.0
    started: float = 0.0
    exit_code: int = 0
    oom_killed: bool = False
    unhealthy: bool = False
    paused: bool = False
    """It is there, and answers nobody until somebody lets it go on."""
    memory: int = 0
    """Its limit, in bytes; 0 without one."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant is to have."""

    replicas: int
    template: str
    may_start: int
    """New ones that may be started now: what fits, and none while a crash loop is waited out."""
    alone: bool = False
    """One can't start beside another: a port of the host, or an address, is its own."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a variant's replicas now. Ids are containers'."""

    start: int = 0
    """New ones, of the current template."""
    drain: tuple[str, ...] = ()
    """They get nothing new, finish what they have, and go."""
    remove: tuple[str, ...] = ()
    """They go at once: they have ended, or never began to serve."""
