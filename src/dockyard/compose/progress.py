"""What is told of work on a project while it goes on. Values only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

State = Literal["working", "done", "warning", "error"]


class Step(msgspec.Struct, frozen=True):
    """How far something has come: ``Step("Container demo-api-1", "Starting")``."""

    id: str
    status: str = ""
    state: State = "working"
    text: str = ""
    """More about it, between id and status."""
    done: int = 0
    """Bytes that have come or gone, which change often."""
    total: int = 0
    """All that are to; 0 where nobody knows."""

    @property
    def over(self) -> bool:
        return self.state != "working"


Listener = Callable[[Step], object]
"""Hears of steps, from several threads."""


def silent(_step: Step) -> None:
    """For work that nobody watches."""


def container(name: str) -> str:
    """How a container is called in steps."""
    return f"Container {name}"


def silent_words(_sentence: str) -> None:
    """For sentences that nobody reads."""
