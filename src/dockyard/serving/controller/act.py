"""What is done to replicas: by the engine, in threads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from dockyard.containers.logs import LogLine
from dockyard.errors import Conflict, DockyardError, NotFound
from dockyard.serving import sight
from dockyard.serving.records import Template, numbered
from dockyard.serving.store import Key, ServingStore
from dockyard.state.locks import Lock

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_LOCK: Final = "serving-of-"
_LINES: Final = 8
_LOCK_SECONDS: Final = 30.0
_LINE_LETTERS: Final = 200


class Gone(Exception):
    """The service was taken away meanwhile."""


def start(engine: Engine, store: ServingStore, key: Key, service: str, template: Template,
          number: int) -> str:  # fmt: skip
    """Makes and starts a replica; its container's id.

    Raises:
        Gone: the service isn't declared any more, or in another way.
        DockyardError: it can't be made or started; nothing of it is left.
    """
    with lock(engine, key[0], shared=True) as held:
        declared = store.get(key[0], service)
        if declared is None or declared.templates.get(key[1]) != template or declared.suspended:
            held.release()
            _tidy(engine, store, key[0])
            raise Gone
        image = engine.images.find(template.image_id)
        options = numbered(template, *key, number)
        made: list[str] = []
        try:
            container = engine.containers.run(
                image, template.image_name, options,
                created=lambda container: made.append(container.id),
            )  # fmt: skip
        except BaseException:
            for each in made:
                with contextlib.suppress(DockyardError):
                    engine.containers.remove(each, force=True, volumes=True)
            raise
    return container.id


def lock(engine: Engine, project: str, *, shared: bool) -> Lock:
    """Who makes replicas of a project shares it; who takes its services away holds it alone."""
    path = engine.parts.lock_path(f"{_LOCK}{project}")
    return Lock.acquire(path, shared=shared, timeout=_LOCK_SECONDS if shared else None)


def _tidy(engine: Engine, store: ServingStore, project: str) -> None:
    """Removes the lock's file where it came anew after the project's last service had gone."""
    held = Lock.try_acquire(engine.parts.lock_path(f"{_LOCK}{project}"))
    if held is not None:
        held.release(remove=not store.of(project))


def remove(engine: Engine, container_id: str, *, volumes: bool = True) -> None:
    """Stops a replica, where it runs, and removes it; one that is gone is none.

    Args:
        volumes: with those that have no name.
    """
    sight.last_look(engine, container_id)
    with contextlib.suppress(NotFound, Conflict):
        engine.containers.stop(container_id)
    with contextlib.suppress(NotFound):
        engine.containers.remove(container_id, force=True, volumes=volumes)


def last_words(engine: Engine, container_id: str) -> tuple[str, ...]:
    """The last lines that a replica printed."""
    with contextlib.suppress(DockyardError, OSError):
        pieces: list[LogLine] = list(engine.containers.logs(container_id, tail=_LINES))
        text = b"".join(piece.data for piece in pieces).decode(errors="replace")
        return tuple(line[:_LINE_LETTERS] for line in text.splitlines() if line.strip())
    return ()
