"""Waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0
_PAUSE = 0.02


def until(look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """Looks until there is something true; what it is. Fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r}"
        time.sleep(_PAUSE)
    return found
