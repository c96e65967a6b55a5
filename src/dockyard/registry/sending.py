"""What is sent to a registry: read as it goes, never more of it in memory than a block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, cast

from dockyard.decoding import natural
from dockyard.errors import InvalidInput, StateError
from dockyard.registry.problems import Interrupted

_BLOCK_BYTES: Final = 1 << 17

Source = BinaryIO | Iterable[bytes]


class Sendable:
    """Makes what is sent; a second time only where it can be read again."""

    def __init__(self, data: Source, length: int, check: Callable[[], None]) -> None:
        """``check`` is called before each block, and raises where the sending is to end."""
        self._data = data
        self._length = length
        self._check = check
        self._start = _position(data)
        self._used = False

    def __call__(self) -> Iterator[bytes]:
        if self._used:
            if self._start is None:
                raise Interrupted("what was sent can't be read again", hint="try again")
            cast("BinaryIO", self._data).seek(self._start)
        self._used = True
        return exactly(self._data, self._length, self._check)


def _position(data: Source) -> int | None:
    seekable = getattr(data, "seekable", None)
    return cast("BinaryIO", data).tell() if seekable is not None and seekable() else None


def exactly(data: Source, length: int, check: Callable[[], None]) -> Iterator[bytes]:
    """Blocks of just so many bytes together, of a file or of other blocks.

    Args:
        check: called before each block; it raises where the sending is to end.

    Raises:
        InvalidInput: there are fewer, which the server would wait for.
        StateError: they can't be read.
    """
    left = length
    blocks = None if hasattr(data, "read") else iter(data)
    while left:
        check()
        try:
            block = (
                cast("BinaryIO", data).read(min(_BLOCK_BYTES, left))
                if blocks is None
                else next(blocks, b"")[:left]
            )
        except OSError as error:  # else it would be taken for the connection's
            raise StateError(
                f"what is sent can't be read: {error.strerror or error}",
                hint="look after the disk that holds the state",
            ) from error
        if not block:
            raise InvalidInput(
                f"{left} bytes are missing of what is sent", hint="it changed while it was read"
            )
        left -= len(block)
        yield block


def range_of(offset: int, length: int) -> dict[str, str]:
    """What says which part is sent; nothing of the first, where some registries stumble. Pure."""
    return {"Content-Range": f"{offset}-{offset + length - 1}"} if offset else {}


def received(header: str) -> int | None:
    """Bytes that an upload's ``Range`` tells of. Pure.

    Docker's registry says ``0-0`` of an upload that has none, as of one that has one byte.
    """
    first, _, last = header.strip().removeprefix("bytes=").partition("-")
    end = natural(last)
    if natural(first) != 0 or end is None:
        return None
    return end + 1 if end else 0
