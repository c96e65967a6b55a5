"""Trees with their places, and the places of what is moved or laid over another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from dockyard.compose.load.patterns import fits
from dockyard.compose.load.place import Path, Place, Places


class Placed(msgspec.Struct, frozen=True):
    """A tree, and where its values come from."""

    tree: dict[str, Any]
    places: Places = Places()


def below(places: Places, prefix: Path, at: Path) -> Places:
    """The places of one branch of a tree, as those of the branch at ``at``."""
    size = len(prefix)
    return Places(
        {
            (*at, *path[size:]): place
            for path, place in places.known.items()
            if path[:size] == prefix
        }
    )


def together(places: Places, others: Places) -> Places:
    """Both; where both know a path, the others'."""
    return Places({**places.known, **others.known})


def laid_over(base: Placed, other: Places, replaced: Collection[tuple[str, ...]] = ()) -> Places:
    """The places of a tree over which one with the places ``other`` was laid.

    Sequences of the tree above come behind those of the base.

    Args:
        replaced: paths (``*`` is any step) of sequences that take the place of the base's.
    """
    known: dict[Path, Place] = dict(base.places.known)
    for path, place in other.known.items():
        moved = _moved(path, base.tree, replaced)
        if moved == path or moved not in base.places.known:
            known[moved] = place
    return Places(known)


def _moved(path: Path, base: object, replaced: Collection[tuple[str, ...]]) -> Path:
    for position, step in enumerate(path):
        if isinstance(base, dict) and isinstance(step, str):
            base = base.get(step)
            continue
        if isinstance(base, list) and isinstance(step, int):
            if any(fits(pattern, path[:position]) for pattern in replaced):
                return path
            return (*path[:position], step + len(base), *path[position + 1 :])
        if isinstance(base, dict | list):
            return path[:position]  # it takes another form, in which it can't be followed
        break
    return path


def reordered(places: Places, kept: Mapping[Path, Mapping[int, int]]) -> Places:
    """The places where sequences lost elements.

    Args:
        kept: by the sequence's path, where each element that is left went.
    """
    if not kept:
        return places
    known: dict[Path, Place] = {}
    for path, place in places.known.items():
        moved = _kept(path, kept)
        if moved is not None:
            known[moved] = place
    return Places(known)


def _kept(path: Path, kept: Mapping[Path, Mapping[int, int]]) -> Path | None:
    for position, step in enumerate(path):
        if not isinstance(step, int) or path[:position] not in kept:
            continue
        index = kept[path[:position]].get(step)
        if index is None:
            return None
        path = (*path[:position], index, *path[position + 1 :])
    return path
