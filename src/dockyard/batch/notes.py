"""What the containers of a shard write to standard error: kept in a file, up to a size."""

from __future__ import annotations

from typing import Self

from dockyard.batch.contract import shown

_MOST = 1 << 20
_TAIL = 1 << 12
_CUT = b"\n[what follows is not kept]\n"


class Notes:
    """Takes it as it comes, and knows the last line of it."""

    def __init__(self, path: str) -> None:
        self._stream = open(path, "ab")  # noqa: SIM115  # closed by close()
        self._size = self._stream.tell()
        self._tail = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stream.close()

    def write(self, data: bytes) -> None:
        """Appends to the file, as long as there is room."""
        self._tail = (self._tail + data)[-_TAIL:]
        if self._size > _MOST:
            return
        self._size += len(data)
        self._stream.write(data)
        if self._size > _MOST:
            self._stream.write(_CUT)
        self._stream.flush()

    def begin(self, title: str) -> None:
        """A line that tells one try from the other."""
        self._tail = b""
        head = f"--- {title}\n".encode()
        if self._size <= _MOST:
            self._size += len(head)
            self._stream.write(head)

    @property
    def last(self) -> str:
        """The last line of this try that has something, cut to what can be shown."""
        lines = [line for line in self._tail.splitlines() if line.strip()]
        return shown(lines[-1]) if lines else ""
