"""Commands that change one project take turns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dockyard.compose import observe
from dockyard.errors import Conflict
from dockyard.state.locks import Lock, holder

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_PATIENCE_SECONDS: Final = 1.0
"""Who waits for longer says what for."""


def taken(engine: Engine, project: str) -> Lock:
    """The lock of a project; who waits for it for a while warns of whom it waits for."""
    name = f"compose-{project}"
    try:
        lock = engine.parts.lock(name, _PATIENCE_SECONDS)
    except Conflict:
        number = holder(engine.parts.lock_path(name))
        who = "another dockyard compose" + (f" (pid {number})" if number else "")
        engine.parts.warn(f"waiting for {who} at project {project}; Ctrl-C gives up")
        lock = engine.parts.lock(name)
    lock.sign()
    return lock


@contextlib.contextmanager
def held(engine: Engine, project: str) -> Iterator[None]:
    """One command at a time; the lock goes with the project."""
    with taken(engine, project) as lock:
        try:
            yield
        finally:
            if not observe.observed(engine, project).exists:
                lock.release(remove=True)
