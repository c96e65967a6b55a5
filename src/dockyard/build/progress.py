"""What a build tells while it works: values that a renderer draws. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to one step.

    ``step`` is its number from 1, in the order of the Dockerfile. ``name`` is what to show, such as
    ``[model 2/3] RUN pip install ...``. ``time`` is in seconds of the monotonic clock.

    - ``started``: it is being worked on;
    - ``output``: it printed ``data`` (``stream`` 1 or 2), in any pieces;
    - ``cached``: its result was there already;
    - ``done``: it finished; ``data`` may hold a remark such as the size of its layers;
    - ``failed``: it failed, and the build ends; the error says why;
    - ``canceled``: it was stopped because another one failed or the user pressed Ctrl-C;
    - ``warning``: of no step (0), told before them all: ``name`` is what a check found, as in
      ``FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)``.
    """

    kind: Literal["started", "output", "cached", "done", "failed", "canceled", "warning"]
    step: int
    name: str
    time: float
    stream: int = 1
    data: bytes = b""


Listener = Callable[[Event], None]
"""Gets events from several threads, one at a time."""


def silent(_event: Event) -> None:
    """A listener for ``--quiet`` and for programs."""
