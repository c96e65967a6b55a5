"""Whether a container's ``/dev/shm`` is, or was, too small, and the words for it.

64 MB, as in Docker, are soon full of the batches that PyTorch's workers exchange. What they print
then ("Bus error") helps nobody who doesn't know the cause. The filesystem is mounted on the host
and outlives its programs, so it can be looked at without them: by a command while they run, and
by whoever concludes the container, who also reads the end of the log, for files that have no name
any more go with their owner.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from dockyard.containers import spec_namespaces
from dockyard.containers.model import DEFAULT_SHM_BYTES, Container
from dockyard.oci.runtime import SHM
from dockyard.state.paths import Paths

if TYPE_CHECKING:
    from dockyard.containers.logs import LogLine

MEND = "--shm-size=1g gives it more, --ipc=host the host's"

_COMPLAINTS = (b"No space left on device", b"Bus error", b"bus error")
"""What programs say when it is full; other filesystems can be the cause too."""
_PROOFS = (
    b"out of shared memory", b"insufficient shared memory", b"</torch_", b"/dev/shm/", b"'/psm_",
)  # fmt: skip
"""What says together with a complaint that it was shared memory."""
_LEFT = 64
"""Full is: less than one part in so many is left."""
_TAIL = 1 << 16
"""Bytes of a log's end that are looked at."""


def too_small_for(container: Container) -> bool:
    """True where the container has the default size, and nothing else at ``/dev/shm``. Pure."""
    options = container.options
    return options.resources.shm_size == DEFAULT_SHM_BYTES and _is_own(container)


def place(paths: Paths, container: Container) -> str | None:
    """The host's directory that is mounted at its ``/dev/shm``. Pure.

    Returns:
        ``None`` where the size is none of the engine's: the host's, none, or a mount of the user's.
    """
    donor = spec_namespaces.donors(container.options.namespaces).get("ipc")
    if donor is not None:
        return f"{paths.container(donor)}/shm"
    return own_place(paths, container) if _is_own(container) else None


def own_place(paths: Paths, container: Container) -> str:
    """Where one that is the container's own is mounted. Pure."""
    return f"{paths.container(container.id)}/shm"


def is_full(paths: Paths, container: Container) -> bool:
    """Whether there is no room in it at this moment; false where it isn't mounted."""
    path = place(paths, container)
    try:
        if path is None or os.stat(path).st_dev == os.stat(os.path.dirname(path)).st_dev:
            return False
        status = os.statvfs(path)
    except OSError:
        return False
    return status.f_blocks > 0 and status.f_bavail * _LEFT < status.f_blocks


def ran_out(paths: Paths, container: Container) -> bool:
    """Whether it is full, or is known to have been since a command started the container."""
    return container.shm_full or is_full(paths, container)


def ran_out_at_the_end(paths: Paths, container: Container) -> bool:
    """The same for a container whose process is gone but whose mounts and bundle aren't."""
    return (
        ran_out(paths, container)
        or os.path.exists(_mark(paths, container))
        or (place(paths, container) is not None and _log_tells(paths, container))
    )


def words(container: Container) -> str:
    """The sentence for the user. Pure."""
    own = not spec_namespaces.donors(container.options.namespaces).get("ipc")
    size = f" ({SHM} has {container.options.resources.shm_size >> 20} MB)" if own else ""
    return f"container {container.name} ran out of shared memory{size}: {MEND}"


def proves(output: bytes) -> bool:
    """Whether a program says in one breath that room is lacking, and where. Pure."""
    return _complains(output) and any(word in output for word in _PROOFS)


class Watch:
    """Looks at the output of a container in the foreground as it comes."""

    def __init__(self, paths: Paths, container: Container) -> None:
        self._paths = paths
        self._container = container
        self._told = False

    def saw(self, output: bytes) -> None:
        """Checks a complaint while the files are there; whoever concludes the container is told."""
        if self._told or not _complains(output) or place(self._paths, self._container) is None:
            return
        if proves(output) or is_full(self._paths, self._container):
            self._told = True
            with contextlib.suppress(OSError), open(_mark(self._paths, self._container), "w"):
                pass


def watched(
    paths: Paths, find: Callable[[], Container | None], lines: Iterable[LogLine],
    warn: Callable[[str], None],
) -> Iterator[LogLine]:  # fmt: skip
    """Passes a log on, and says once that memory ran out: where the log complains, or at its end.

    Args:
        find: the container's record as it is now; ``None`` once it was removed.
    """
    told = False
    for line in lines:
        yield line
        if not told and _complains(line.data):
            container = find()
            told = container is not None and (
                ran_out(paths, container)
                or (place(paths, container) is not None and proves(line.data))
            )
            if told and container is not None:
                warn(words(container))
    container = None if told else find()
    if container is not None and ran_out(paths, container):
        warn(words(container))


def _is_own(container: Container) -> bool:
    return container.options.namespaces.ipc in {None, "private", "shareable"} and all(
        mount.target != SHM for mount in container.mounts
    )


def _complains(output: bytes) -> bool:
    return any(word in output for word in _COMPLAINTS)


def _mark(paths: Paths, container: Container) -> str:
    """A file that says that it was full at some moment of this run."""
    return f"{paths.bundle(container.id)}/shm-full"


def _log_tells(paths: Paths, container: Container) -> bool:
    """Whether this run said so at its end; the log has those before it too."""
    end = _log_end(paths.log(container.id))
    if not _complains(end):
        return False
    from dockyard.containers import logs  # few complain

    begun = logs.utc_of(_began(paths, container))
    entries = (logs.parse(line) for line in end.split(b"\n") if proves(line))
    return any(entry is not None and logs.utc(entry) >= begun for entry in entries)


def _log_end(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - _TAIL, 0))
            return stream.read(_TAIL)
    except OSError:
        return b""


def _began(paths: Paths, container: Container) -> int:
    """When this run was prepared, before its first output; nanoseconds since 1970."""
    try:
        return os.stat(f"{paths.bundle(container.id)}/config.json").st_mtime_ns
    except OSError:
        return container.started
