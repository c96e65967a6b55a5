"""Bodies that are being sent, into the files of their uploads: hashed on the way, off the loop.

While a thread writes and hashes one batch, the next one comes in. How large the batches may be
depends on how many clients send at once, so that memory stays bounded.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Protocol, TypeVar

from dockyard.registry.server.content import Content, digest_of, require_space

T = TypeVar("T")

_BUDGET: Final = 48 << 20
"""Bytes of all batches together."""
_LARGEST: Final = 1 << 20
_SMALLEST: Final = 64 << 10
_MOST_KNOWN: Final = 4096


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Progress:
    """How far an upload's hash has come, as long as this process lives."""

    __slots__ = ("hash", "offset")

    def __init__(self) -> None:
        self.offset = 0
        self.hash: _Hash = hashlib.sha256()


class Receiver:
    """Appends to uploads. One for a server."""

    def __init__(self, content: Content, threads: Executor) -> None:
        self._content = content
        self._threads = threads
        self._known: dict[str, Progress] = {}
        self._holders: dict[str, asyncio.Task[object]] = {}
        self.active = 0
        """Bodies that are coming in."""

    async def hold(self, upload_id: str) -> None:
        """Waits until this task is the only one that is at an upload.

        Who held it before is ended: a client that asks again has lost that connection.
        """
        task = _this_task()
        while (holder := self._holders.get(upload_id, task)) is not task:
            holder.cancel()
            await asyncio.wait([holder], timeout=1)
        self._holders[upload_id] = task

    def release(self, upload_id: str) -> None:
        """Ends what :meth:`hold` began."""
        if self._holders.get(upload_id) is _this_task():
            del self._holders[upload_id]

    async def append(
        self,
        upload_id: str,
        body: AsyncIterator[bytes],
        check: Callable[[int], Awaitable[None]],
    ) -> int:
        """Appends a body; how many bytes the upload has then.

        What has come before something went wrong stays; what is refused is never written.

        Args:
            check: refuses by raising, given the bytes that there would be.

        Raises:
            FileNotFoundError: there is no such upload.
            OSError: it can't be written.
        """
        loop = asyncio.get_running_loop()
        descriptor = _open(self._content.upload(upload_id))
        self.active += 1
        progress = self._progress(upload_id, os.fstat(descriptor).st_size)
        size = os.fstat(descriptor).st_size
        writing: asyncio.Future[None] | None = None
        batch: list[bytes] = []
        held = 0
        try:
            async for block in body:
                batch.append(block)
                held += len(block)
                if held >= self._batch_size():
                    size += held
                    await _require(check, size, batch)
                    if writing is not None:
                        await settled(writing)
                    writing = loop.run_in_executor(
                        self._threads, _write, descriptor, batch, progress
                    )
                    batch, held = [], 0
            await _require(check, size + held, batch)
        finally:
            try:
                if writing is not None:
                    await settled(writing)
                if batch:  # also what came before the connection broke off
                    last = loop.run_in_executor(self._threads, _write, descriptor, batch, progress)
                    await settled(last)
            finally:
                self.active -= 1
                size = os.fstat(descriptor).st_size
                os.close(descriptor)
        return size

    def _batch_size(self) -> int:
        return max(_SMALLEST, min(_LARGEST, _BUDGET // (2 * max(1, self.active))))

    def _progress(self, upload_id: str, size: int) -> Progress | None:
        """The hash of what has come; ``None`` where it isn't known any more."""
        if size == 0:
            while len(self._known) >= _MOST_KNOWN:  # the oldest is hashed again
                del self._known[next(iter(self._known))]
            self._known[upload_id] = Progress()
        found = self._known.get(upload_id)
        return found if found is not None and found.offset == size else None

    async def digest(self, upload_id: str, algorithm: str) -> str:
        """The digest of all that has come.

        Raises:
            FileNotFoundError: there is no such upload.
        """
        path = self._content.upload(upload_id)
        progress = self._progress(upload_id, os.stat(path).st_size)
        if progress is not None and algorithm == "sha256":
            return f"sha256:{progress.hash.hexdigest()}"
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, digest_of, path, algorithm)

    def forget(self, upload_id: str) -> None:
        """An upload has ended."""
        self._known.pop(upload_id, None)


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("not within a task")
    return task


async def _require(check: Callable[[int], Awaitable[None]], size: int, batch: list[bytes]) -> None:
    """Goes on only where there may be so many bytes; else those that have just come are dropped."""
    try:
        await check(size)
    except BaseException:
        batch.clear()
        raise


async def settled(work: asyncio.Future[T]) -> T:
    """What a thread does, waited for although this task is canceled: it can't be taken back.

    Raises:
        asyncio.CancelledError: when it is over.
    """
    canceled = False
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            canceled = True
    result = work.result()
    if canceled:
        raise asyncio.CancelledError
    return result


def _open(path: str) -> int:
    """The file of an upload, to append to.

    Raises:
        FileNotFoundError: there is none, or it is a blob already, and a kill kept the record back.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    if os.fstat(descriptor).st_nlink == 1:
        return descriptor
    os.close(descriptor)
    raise FileNotFoundError(path)


def _write(descriptor: int, batch: Sequence[bytes], progress: Progress | None) -> None:
    """Writes all of a batch; the hash has then seen just what is in the file."""
    require_space(descriptor, sum(map(len, batch)))
    for block in batch:
        view = memoryview(block)
        while view:
            view = view[os.write(descriptor, view) :]
        if progress is not None:
            progress.hash.update(block)
            progress.offset += len(block)
