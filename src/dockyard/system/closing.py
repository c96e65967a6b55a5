"""What ends with the block that uses it."""

from __future__ import annotations

from typing import Self


class Closing:
    """Closed at the end of its ``with`` block, whatever ends that."""

    def close(self) -> None:
        """Gives back what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
