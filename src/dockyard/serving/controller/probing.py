"""Waits until a replica can serve, and says meanwhile what keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from dockyard.serving.activator.readiness import obstacle
from dockyard.serving.gateway.model import Backend
from dockyard.serving.model import Protocol, Ready

FIRST: Final = 0.01
"""Seconds between two probes of a new replica."""
_MOST: Final = 1.0
_GROWTH: Final = 1.15


async def until_ready(
    backend: Backend, ready: Ready, protocol: Protocol, said: Callable[[str], None]
) -> None:
    """Returns once a replica answers well; asks often at first, then less.

    Args:
        said: gets what kept it from serving, after each probe that says so.
    """
    pause = FIRST
    while found := await obstacle(backend, ready, protocol):
        said(found)
        await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _MOST)
