"""What fails because a container ended meanwhile says just that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dockyard.containers.detach import Detached
from dockyard.containers.model import Container
from dockyard.errors import Conflict, DockyardError

_DYING_SECONDS = 0.5
"""The kernel ends what else is in a container before the container's first process is gone."""


@contextlib.contextmanager
def while_it_lives(container: Container, done: str) -> Iterator[None]:
    """Lets errors pass while the container's first process lives, which is looked at for a moment.

    Args:
        done: what is done to it, such as ``it could be paused``.

    Raises:
        Conflict: something failed, and the container has ended.
    """
    try:
        yield
    except Detached:
        raise
    except (DockyardError, FileNotFoundError) as error:
        if container.process is None or not container.process.wait(_DYING_SECONDS):
            raise
        raise Conflict(
            f"container {container.name} ended before {done}",
            hint=f"try again once it is restarted, or start it: dockyard start {container.name}",
            reference="not-running",
        ) from error
