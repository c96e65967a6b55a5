"""Whom the controller talks to beside the engine, as it needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from dockyard.serving.activator.model import Stats, Target
from dockyard.serving.gateway.model import Served
from dockyard.serving.model import Service


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway sees of a variant now."""

    active: int = 0
    """Requests that are being served or wait, those at the activator too."""
    total: int = 0
    """Requests since the gateway began."""
    errors: int = 0
    """5xx among them."""


class Gateway(Protocol):
    """The gateway's configuration and figures."""

    def write(self, served: Sequence[Served]) -> bool:
        """Has it serve that, and no more; whether that is something new."""
        ...

    def loads(self) -> Mapping[str, Load] | None:
        """By target; ``None`` while it doesn't answer."""
        ...

    def problems(self) -> Mapping[tuple[str, str], str]:
        """Services that aren't served as they should be, by project and name: why."""
        ...

    @property
    def known(self) -> tuple[Service, ...] | None:
        """What it has taken over; :meth:`problems` says what it doesn't serve, or not so. ``None``
        before it was told anything."""
        ...

    @property
    def is_current(self) -> bool:
        """Whether what it was told last is what it does."""
        ...

    def rotate(self) -> None:
        """Begins a new access log where the old one has grown large."""
        ...


class Activator(Protocol):
    """The activator's configuration and figures."""

    def write(self, targets: Sequence[Target]) -> bool:
        """Has it serve that, and no more; whether that is something new."""
        ...

    def stats(self) -> Stats | None:
        """``None`` while it doesn't answer."""
        ...
