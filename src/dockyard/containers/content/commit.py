"""``commit``: an image of what a container has changed.

The container goes on, so its upper directory is copied, inside the kernel and by reflink where the
filesystem can; only for that time it stands still. Hashing and syncing come after. The copy lies
in a workspace until it is a layer, so a command that is killed leaves nothing but a frozen
container, which the next command lets go on.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import msgspec

from dockyard.containers import pause, sizes
from dockyard.containers.content import image_of
from dockyard.containers.content.engine_mounts import made_by_engine
from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.containers.workspace import FREEZES, Workspace
from dockyard.errors import Conflict
from dockyard.images.model import Image, Layer
from dockyard.images.normalise import normalise
from dockyard.observability.progress import Counter, Listener
from dockyard.oci.image import ExecutionConfig, encode
from dockyard.oci.reference import Reference
from dockyard.system import copy

Change = Callable[[ExecutionConfig], ExecutionConfig]


class CommitOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``commit`` was asked for."""

    name: Reference | None = None
    author: str = ""
    message: str = ""
    pause: bool = True


def commit(
    parts: Parts,
    container: Container,
    options: CommitOptions,
    change: Change,
    progress: Listener | None = None,
) -> Image:
    """Makes an image of a container, running or not.

    Args:
        change: what ``--change`` does to the configuration; called before anything is done.
        progress: hears how many bytes are copied, then hashed.

    Raises:
        NotSupported: the container has a file that no layer can hold.
        StateError: the copy failed; the container goes on and nothing is left.
    """
    image = parts.images.get(container.image_id)
    config = change(image_of.execution(container, image.config.config))
    freezes = options.pause and container.running and not container.paused
    purpose = f"{FREEZES}{container.id}" if freezes else "commit"
    size = sizes.written(parts, container) if progress is not None else None
    counter = Counter(progress, "copying", size)
    with Workspace(parts, purpose) as workspace:
        with parts.lock(container.holder):
            current = parts.store.find(container.id)
            with _standing_still(parts, current, wanted=freezes):
                _copy(f"{parts.paths.container(current.id)}/upper", workspace.upper, counter)
        try:
            parts.layers.lease(workspace.holder, [layer.id for layer in image.layers])
            added = _seal(parts, workspace, image, current, Counter(progress, "hashing"))
            made = _record(parts, image, added, current, config, options)
        finally:
            parts.layers.release(workspace.holder)
    parts.layers.collect()
    attributes = {"comment": options.message, "imageID": made.id}
    if options.name is not None:
        attributes["imageRef"] = options.name.familiar
    parts.store.tell(event(container, "commit", **attributes))
    return made


@contextlib.contextmanager
def _standing_still(parts: Parts, container: Container, *, wanted: bool) -> Iterator[None]:
    if not (wanted and container.running and not container.paused):
        yield
        return
    try:
        frozen = pause.freeze(parts, container, event(container, "pause"))
    except Conflict:  # it ended at this moment, and stands still
        yield
        return
    try:
        yield
    finally:
        pause.thaw(parts, frozen, event(container, "unpause"))


def _copy(upper: str, target: str, counter: Counter) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    source, into = os.open(upper, flags), os.open(target, flags)
    try:
        copy.copy_directory(source, into, copy.Manner(whole=True, advance=counter.add))
    finally:
        os.close(source)
        os.close(into)


def _seal(
    parts: Parts, workspace: Workspace, image: Image, container: Container, counter: Counter
) -> tuple[Layer, ...]:
    """The new layer; none where nothing changed."""
    lowers = parts.layers.paths_of(image.layers)
    normalise(workspace.upper, lowers, engine_mounts=made_by_engine(lowers, container))
    if not os.listdir(workspace.upper):
        return ()
    layer_id = parts.layers.publish(
        workspace.upper, holder=workspace.holder, epoch=_epoch(parts), times="clamp"
    )
    return (parts.layers.seal(layer_id, advance=counter.add),)


def _record(
    parts: Parts,
    image: Image,
    added: tuple[Layer, ...],
    container: Container,
    config: ExecutionConfig,
    options: CommitOptions,
) -> Image:
    document = image_of.image_config(
        image.config,
        config,
        diff_id=added[0].diff_id if added else None,
        created_by=" ".join(container.args),
        author=options.author,
        message=options.message,
        epoch=_epoch(parts),
    )
    return parts.images.add(
        encode(document),
        [layer.id for layer in (*image.layers, *added)],
        built=time.time_ns(),
        names=() if options.name is None else (options.name,),
    )


def _epoch(parts: Parts) -> int:
    """The time that the image is given, which no file of its layer is later than."""
    asked = parts.config.source_date_epoch
    return int(time.time()) if asked is None else asked
