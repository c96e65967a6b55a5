"""What one build shares with others: where it finds results, and where it leaves them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from dockyard.build.cache import BuildCache, Hit
from dockyard.build.sharing.exporting import Result, export
from dockyard.build.sharing.importing import Imports, Stack
from dockyard.build.sharing.layout import LayoutDirectory
from dockyard.build.sharing.places import CacheFrom, CacheTo, Mode
from dockyard.containers.parts import Parts
from dockyard.errors import DockyardError
from dockyard.images.growth import Growth
from dockyard.images.intake import Intake
from dockyard.images.workplace import workplace


class Results:
    """Results of steps: those of this root first, then those of ``--cache-from``."""

    def __init__(self, own: BuildCache, imports: Imports | None, holder: str) -> None:
        self._own = own
        self._imports = imports
        self._holder = holder

    def find(self, key: str, stack: Stack, *, anywhere: bool = False) -> Hit | None:
        """The result with that key, its layers leased to the build.

        Args:
            stack: the layers that the step is to stand on.
            anywhere: it would be the same on any others.
        """
        hit = self._own.find(key, self._holder)
        if hit is not None and (anywhere or hit.below == tuple(each.id for each in stack())):
            return hit
        if self._imports is None:
            return None
        return self._imports.find(key, stack, anywhere=anywhere)


class Exports:
    """The directories of ``--cache-to``, open before the first step so that none is in vain."""

    def __init__(self, parts: Parts, targets: Sequence[tuple[CacheTo, LayoutDirectory]]) -> None:
        self._parts = parts
        self._targets = targets

    def modes(self) -> set[Mode]:
        """Which results are wanted."""
        return {place.mode for place, _ in self._targets}

    def write(self, mode: Mode, results: Sequence[Result]) -> None:
        """Writes to the directories of that mode.

        Raises:
            DockyardError: one can't be written, and that isn't to be ignored.
        """
        for place, target in self._targets:
            if place.mode != mode:
                continue
            try:
                export(self._parts.paths, target, place.tag, results)
            except DockyardError as error:
                if not place.ignore_error:
                    raise
                self._parts.warn(f"the cache was not written to {place.dest}: {error.message}")


@contextlib.contextmanager
def imported(parts: Parts, places: Sequence[CacheFrom], holder: str) -> Iterator[Imports | None]:
    """What ``--cache-from`` names, for one build."""
    if not places:
        yield None
        return
    with workplace(parts.paths, parts.database, "cache-from") as (_, directory):
        growth = Growth(directory)
        intake = Intake(parts.layers, holder, directory, growth)
        imports = Imports(places, intake, growth, parts.warn)
        try:
            yield imports
        finally:
            imports.close()


@contextlib.contextmanager
def exported(parts: Parts, places: Sequence[CacheTo]) -> Iterator[Exports]:
    """Where ``--cache-to`` wants results.

    Raises:
        DiskFull, PermissionMissing, StateError: a directory can't be written to.
    """
    with contextlib.ExitStack() as stack:
        targets = []
        for place in places:
            try:
                targets.append((place, stack.enter_context(LayoutDirectory(place.dest))))
            except DockyardError as error:
                if not place.ignore_error:
                    raise
                parts.warn(f"the cache is not written to {place.dest}: {error.message}")
        yield Exports(parts, targets)
