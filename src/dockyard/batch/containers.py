"""The containers of a batch: their options, how they ended, and that none stays."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockyard.batch.model import LABEL, Batch
from dockyard.batch.read import MOUNT
from dockyard.containers.model import Container
from dockyard.containers.options import Logging, Mount, Options, Restart
from dockyard.errors import DockyardError, NotFound
from dockyard.networks.model import PortMapping

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_LOCAL = "127.0.0.1"
_SLUG_BYTES = 4
_BY_SIGNAL = 128


def options(batch: Batch, wanted: Options) -> Options:
    """The options of one more container of a batch.

    Args:
        wanted: those that were asked for, in the batch's cgroup.
    """
    job = batch.job
    slug = os.urandom(_SLUG_BYTES).hex()
    networking = replace(wanted.networking, ports=())
    logging = Logging(driver="none")
    if job.http is not None:
        port = PortMapping(container_port=job.http.port, host_ip=_LOCAL)
        networking, logging = replace(networking, ports=(port,)), Logging()
    console = replace(wanted.console, tty=False, interactive=job.http is None)
    return replace(
        wanted,
        name=f"batch-{batch.id}-{slug}",
        labels={**wanted.labels, LABEL: batch.id},
        env=(*wanted.env, f"DOCKYARD_BATCH={batch.id}"),
        mounts=(*wanted.mounts, *_folder(batch)),
        networking=networking,
        logging=logging,
        console=console,
        restart=Restart(),
        remove=False,  # who removes it sees first how it ended
    )


def _folder(batch: Batch) -> tuple[Mount, ...]:
    source = batch.job.source
    if source.format != "files" or batch.job.http is not None:
        return ()
    return (Mount(kind="bind", target=MOUNT, source=source.path, read_only=True),)


def remove(engine: Engine, container_id: str) -> None:
    """Ends and removes a container; one that is gone, or is going, is fine."""
    with contextlib.suppress(NotFound):
        engine.containers.remove(container_id, force=True, volumes=True)


def sweep(engine: Engine, batch_id: str) -> None:
    """Removes all containers of a batch that nobody runs any more."""
    for container in engine.containers.all():
        if container.labels.get(LABEL) == batch_id:
            with contextlib.suppress(DockyardError):  # one that can't go is told of by `ps`
                remove(engine, container.id)


def ending(container: Container, last: str) -> str:
    """How a container ended, in words; empty where it ended well.

    Args:
        last: the last line that it wrote to standard error.
    """
    said = f": {last}" if last else ""
    if container.oom_killed:
        limit = container.options.resources.memory
        room = f" of {limit >> 20} MiB" if limit else ""
        return f"the container was killed for memory, its limit{room} was reached{said}"
    if container.exit_code == 0:
        return ""
    if container.exit_code > _BY_SIGNAL:
        number = container.exit_code - _BY_SIGNAL
        return f"the container was killed by signal {number}{said}"
    return f"the container ended with exit code {container.exit_code}{said}"
