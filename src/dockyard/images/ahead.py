"""Reading ahead in a thread of its own, so that what is done with the bytes overlaps with getting
them: hashing, decompressing and writing take a core each, where there are some."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Self

from dockyard.images.decompress import Readable

_BLOCK_BYTES = 1 << 20
_BLOCKS = 4
"""How many may wait: memory is bounded, however large the layer."""


class Ahead:
    """A source that is read ahead of whoever reads this; a context manager.

    Args:
        abandon: called where the block ends before the source does; a read of the source that
            waits has to end then.
    """

    def __init__(self, source: Readable, abandon: Callable[[], object] = lambda: None) -> None:
        self._source = source
        self._abandon = abandon
        self._blocks: queue.Queue[bytes | BaseException] = queue.Queue(_BLOCKS)
        self._stopped = threading.Event()
        self._block = b""
        self._at = 0
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="ahead", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        if not self._ended:
            self._abandon()
        while self._thread.is_alive():
            try:
                self._blocks.get(timeout=0.01)
            except queue.Empty:
                continue
        self._thread.join()

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end. Raises what reading the source raised."""
        if self._at == len(self._block):
            if self._ended:
                return b""
            self._take()
        if self._at == 0 and size >= len(self._block):
            self._at = len(self._block)
            return self._block
        data = self._block[self._at : self._at + size]
        self._at += len(data)
        return data

    def _take(self) -> None:
        found = self._blocks.get()
        if isinstance(found, BaseException):
            self._ended = True
            raise found
        self._block, self._at = found, 0
        self._ended = not found

    def _work(self) -> None:
        try:
            while not self._stopped.is_set():
                block = self._source.read(_BLOCK_BYTES)
                self._blocks.put(block)
                if not block:
                    return
        except BaseException as error:  # noqa: BLE001  # raised in the thread that reads
            self._blocks.put(error)
