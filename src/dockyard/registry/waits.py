"""Waiting before something is tried again, which whoever looks on is told.

Who hears of it is a matter of the thread, as a thread works for one blob at a time: what waits
deep within a request needn't know for which.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from dockyard.observability.transfers import UNHEARD, Hearer
from dockyard.registry.problems import Interrupted

_hearer: ContextVar[Hearer] = ContextVar("hearer", default=UNHEARD)


@contextlib.contextmanager
def heard_by(hearer: Hearer) -> Iterator[None]:
    """Who hears of this thread's waiting meanwhile."""
    token = _hearer.set(hearer)
    try:
        yield
    finally:
        _hearer.reset(token)


def tell(seconds: float, error: Interrupted) -> None:
    """Says that this thread waits so many seconds because of an error, and tries again."""
    _hearer.get().retrying(seconds, error.brief)
