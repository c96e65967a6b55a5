"""Taking files into the content store: each is read once, and what is hashed is what is stored.

A hard link to the user's file would change with it, so the content is copied; where the filesystem
can share blocks between files (reflink), the copy takes no space, and is what is hashed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from dockyard.errors import Conflict
from dockyard.images.content import ContentStore
from dockyard.models.artifact import Packed
from dockyard.models.source import SourceFile, opened
from dockyard.observability.progress import Counter
from dockyard.oci import digest as digests
from dockyard.state.paths import unusable
from dockyard.state.room import Room
from dockyard.system import holes

READABLE = 0o444
"""Mode of a blob that containers read."""
_FICLONE = 0x40049409
_CHUNK_BYTES = 1 << 20
_CHECK_BYTES = 64 << 20
_MOST_THREADS = 4


class Packer:
    """Takes files in for one holder.

    Args:
        holder: whose lock the caller holds, and whose needs of blobs end with it.
        directory: an empty one of the caller's, on the content store's filesystem.
        sizes: of blobs that are there; a file of such a size is looked at before it is copied.
    """

    def __init__(
        self, content: ContentStore, holder: str, directory: str, sizes: Collection[int],
        counter: Counter,
    ) -> None:  # fmt: skip
        self._content = content
        self._holder = holder
        self._directory = directory
        self._sizes = sizes
        self._counter = counter
        self._guard = threading.Lock()
        self._room = Room(directory)
        self._unchecked = 0

    def take(self, files: Sequence[SourceFile]) -> list[Packed]:
        """Stores files, several at once.

        Raises:
            Conflict: a file changed while it was read.
            InvalidInput, NotFound, PermissionMissing: it can't be read; see
                :func:`dockyard.models.source.opened`.
            DiskFull: there is no room for it.
        """
        threads = min(_MOST_THREADS, os.cpu_count() or 1, len(files))
        with ThreadPoolExecutor(threads, "pack") as pool:
            tasks = [pool.submit(self._take, *each) for each in enumerate(files)]
            try:
                return [task.result() for task in tasks]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _take(self, number: int, file: SourceFile) -> Packed:
        with opened(file) as source:
            before = os.fstat(source)
            known = self._known(source, before.st_size)
            digest = known or self._store(source, before.st_size, f"{self._directory}/{number}")
            after = os.fstat(source)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise Conflict(
                f"{file.place} changed while it was packed",
                hint="wait until whoever writes it is done, then pack again",
            )
        return Packed(file.path, digest, before.st_size)

    def _known(self, source: int, size: int) -> str | None:
        """The digest, where a model has this content already."""
        if size not in self._sizes:
            return None
        digest = self._digest(source, size, lambda _data, _at: None)
        self._content.need([digest], self._holder)
        if not self._content.has(digest):
            return None
        os.chmod(self._content.path(digest), READABLE)
        self._counted(size)
        return digest

    def _store(self, source: int, size: int, place: str) -> str:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            copy = os.open(place, flags, 0o600)
            try:
                digest = self._copy(source, copy, size)
            finally:
                os.close(copy)
        except OSError as error:
            raise unusable(place, error) from error
        self._content.need([digest], self._holder)
        self._content.adopt(place, digest, mode=READABLE)
        return digest

    def _copy(self, source: int, copy: int, size: int) -> str:
        if _share_blocks(source, copy):
            return self._digest(copy, size, lambda data, _at: self._counted(len(data)))

        def write(data: bytes, position: int) -> None:
            holes.write(copy, data, position)
            self._counted(len(data))

        digest = self._digest(source, size, write)
        os.ftruncate(copy, size)
        return digest

    def _digest(self, descriptor: int, size: int, seen: Callable[[bytes, int], None]) -> str:
        """Of the first ``size`` bytes; there are fewer only in a file that changes."""
        digest, position = hashlib.sha256(), 0
        while position < size:
            data = os.pread(descriptor, min(_CHUNK_BYTES, size - position), position)
            if not data:
                break
            digest.update(data)
            seen(data, position)
            position += len(data)
        return digests.PREFIX + digest.hexdigest()

    def _counted(self, count: int) -> None:
        with self._guard:
            self._counter.add(count)
            self._unchecked += count
            if self._unchecked >= _CHECK_BYTES:
                self._unchecked = 0
                self._room.check("the model")


def _share_blocks(source: int, copy: int) -> bool:
    """Whether the filesystem could let the copy have the blocks of its source."""
    try:
        fcntl.ioctl(copy, _FICLONE, source)
    except OSError:
        return False
    return True
