"""What belongs to the values of a tree by where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

_T = TypeVar("_T")


def fits(pattern: Sequence[str], path: Sequence[str | int]) -> bool:
    """Whether a path is of a pattern: ``*`` is any step of it, ``[]`` any index."""
    return len(pattern) == len(path) and all(
        want in {"*", step} or (want == "[]" and isinstance(step, int))
        for want, step in zip(pattern, path, strict=True)
    )


class Patterns(Generic[_T]):
    """Things by patterns of paths, such as ``services.*.ports``.

    Args:
        table: for each thing its patterns, with white space between.
    """

    def __init__(self, table: Mapping[_T, str]) -> None:
        self._by_end: dict[tuple[int, str], list[tuple[tuple[str, ...], _T]]] = {}
        for thing, patterns in table.items():
            for pattern in patterns.split():
                steps = tuple(pattern.split("."))
                self._by_end.setdefault((len(steps), steps[-1]), []).append((steps, thing))

    def find(self, path: Sequence[str | int]) -> _T | None:
        """What belongs to a path."""
        if not path:
            return None
        last = path[-1]
        for end in ("*", "[]") if isinstance(last, int) else (last, "*"):
            for pattern, thing in self._by_end.get((len(path), end), ()):
                if fits(pattern, path):
                    return thing
        return None

    def of(self, thing: _T) -> Iterator[tuple[str, ...]]:
        """The patterns of one thing."""
        for pairs in self._by_end.values():
            yield from (pattern for pattern, each in pairs if each == thing)
