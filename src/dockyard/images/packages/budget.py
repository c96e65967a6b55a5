"""How many layers a step may make of its packages. Pure.

An image has at most 64 layers. A step may use what the layers below it and the steps above it
leave, rounded down to a level, so that a line more or less in a Dockerfile seldom changes it.
"""

from __future__ import annotations

import msgspec

from dockyard.images.packages.model import Division

MOST_LAYERS = 64
"""Of an image, as far as dividing goes; a longer Dockerfile has as many as it has lines."""


class Level(msgspec.Struct, frozen=True):
    """A number of layers: one for the rest, ``bins`` for small distributions, others alone."""

    layers: int
    bins: int

    @property
    def alone(self) -> int:
        """How many distributions can have a layer each."""
        return self.layers - 1 - self.bins


_LEVELS = (Level(48, 8), Level(32, 8), Level(24, 8), Level(16, 4), Level(8, 2), Level(4, 1),
           Level(2, 1))  # fmt: skip
"""Numbers of bins divide each other: where there are fewer, whole bins merge."""
_ONE = Level(1, 0)


def level(below: int, to_come: int) -> Level:
    """The level of a step.

    Args:
        below: layers that it stands on.
        to_come: steps that will make layers on top of it.
    """
    room = MOST_LAYERS - below - to_come
    return next((each for each in _LEVELS if each.layers <= room), _ONE)


def fits(division: Division, wanted: Level) -> bool:
    """Whether a step that was divided at another time would be divided the same way now."""
    if not division.budget or division.budget == wanted.layers:
        return True
    then = next((each for each in _LEVELS if each.layers == division.budget), _ONE)
    room = min(then.alone, wanted.alone)
    return then.bins == wanted.bins and division.alone <= room
