"""What one build shares with others: where it finds results, and where it leaves them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dockyard.build.cache import BuildCache, Hit
from dockyard.build.sharing.exporting import DirectoryTarget, Result, Target, export
from dockyard.build.sharing.importing import Fits, Imports, Stack
from dockyard.build.sharing.places import CacheFrom, CacheTo, Mode
from dockyard.containers.parts import Parts
from dockyard.errors import DockyardError
from dockyard.images.growth import Growth
from dockyard.images.intake import Intake
from dockyard.images.layout import LayoutDirectory
from dockyard.images.workplace import workplace

if TYPE_CHECKING:
    from dockyard.build.sharing.registry import RegistryParts


class Results:
    """Results of steps: those of this root first, then those of ``--cache-from``."""

    def __init__(self, own: BuildCache, imports: Imports | None, holder: str) -> None:
        self._own = own
        self._imports = imports
        self._holder = holder

    def find(
        self, key: str, stack: Stack, *, anywhere: bool = False, fits: Fits = lambda _each: True
    ) -> Hit | None:
        """The result with that key, its layers leased to the build.

        Args:
            stack: the layers that the step is to stand on.
            anywhere: it would be the same on any others.
            fits: whether its layers are those that would be made now.
        """
        hit = self._own.find(key, self._holder)
        if hit is not None and not fits(hit.division):
            hit = None
        if hit is not None and (anywhere or hit.below == tuple(each.id for each in stack())):
            return hit
        if self._imports is None:
            return None
        return self._imports.find(key, stack, anywhere=anywhere, fits=fits)


class Exports:
    """The caches of ``--cache-to``, open before the first step so that none is in vain."""

    def __init__(self, parts: Parts, targets: Sequence[tuple[CacheTo, Target]]) -> None:
        self._parts = parts
        self._targets = targets

    def modes(self) -> set[Mode]:
        """Which results are wanted."""
        return {place.mode for place, _ in self._targets}

    def write(self, mode: Mode, results: Sequence[Result]) -> None:
        """Writes to the caches of that mode.

        Raises:
            DockyardError: one can't be written, and that isn't to be ignored.
        """
        for place, target in self._targets:
            if place.mode != mode:
                continue
            try:
                export(self._parts.paths, target, results)
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

        def fetch(name: str) -> RegistryParts:
            from dockyard.build.sharing.registry import RegistryParts

            return RegistryParts(parts.client(), name, directory, growth)

        imports = Imports(places, intake, growth, fetch, parts.warn)
        try:
            yield imports
        finally:
            imports.close()


@contextlib.contextmanager
def exported(parts: Parts, places: Sequence[CacheTo]) -> Iterator[Exports]:
    """Where ``--cache-to`` wants results.

    Raises:
        DiskFull, PermissionMissing, StateError: a directory can't be written to.
        RegistryError: a registry can't be reached, or refuses.
    """
    with contextlib.ExitStack() as stack:
        targets = []
        for place in places:
            try:
                targets.append((place, _target(parts, place, stack)))
            except DockyardError as error:
                if not place.ignore_error:
                    raise
                parts.warn(f"the cache is not written to {place.dest}: {error.message}")
        yield Exports(parts, targets)


def _target(parts: Parts, place: CacheTo, stack: contextlib.ExitStack) -> Target:
    if place.kind == "local":
        return DirectoryTarget(stack.enter_context(LayoutDirectory(place.dest)), place.tag)
    from dockyard.build.sharing.registry import RegistryTarget

    _, directory = stack.enter_context(workplace(parts.paths, parts.database, "cache-to"))
    layout = stack.enter_context(LayoutDirectory(f"{directory}/layout"))
    return RegistryTarget(stack.enter_context(parts.client()), place.dest, layout)
