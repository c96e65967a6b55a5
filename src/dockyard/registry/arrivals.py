"""The layers of one image on their way in: downloaded side by side, unpacked as they come.

A layer is unpacked before those below it are there, on the assumption that it means the same
anywhere, as nearly all do. One that doesn't (it leaves out parent directories, has opaque ones, or
hard links to files below it) is unpacked again once they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import msgspec

from dockyard.errors import NotFound, NotSupported
from dockyard.images.arrival import Arrived, unpack
from dockyard.images.growth import Growth
from dockyard.images.untar import NOTHING_BELOW
from dockyard.images.view import LowerView
from dockyard.observability.transfers import Track
from dockyard.oci.image import Descriptor
from dockyard.registry.download import Connections, Download, Verified, once_more
from dockyard.registry.manifests import is_restricted
from dockyard.registry.partial import Partial
from dockyard.registry.remote import Remote
from dockyard.system import files
from dockyard.system.attentive import all_of

_MOST_AT_ONCE: Final = 4
"""Layers that are unpacked side by side: each takes several threads."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer that is to come. ``place`` is the directory that it will be."""

    position: int
    diff_id: str
    descriptor: Descriptor
    place: str
    again: tuple[tuple[int, str], ...] = ()
    """Other positions and places, where the image has it more than once."""


class _Coming:
    """A layer with what is known of it so far."""

    def __init__(self, layer: Layer, partial: Partial, track: Track, remote: Remote) -> None:
        self.layer = layer
        self.partial = partial
        self.track = track
        track.phase("downloading", partial.size)
        track.found(partial.there)
        self.download = Download(remote, layer.descriptor, partial, _Downloading(track))
        self.arrived: Arrived | None = None


class _Downloading:
    """Counts for the bar as long as it is about the download."""

    def __init__(self, track: Track) -> None:
        self._track = track

    def add(self, count: int, /) -> None:
        """So many more."""
        self._track.add(count, "downloading")

    def found(self, count: int, /) -> None:
        """So many that were there before."""
        self._track.found(count)

    def retrying(self, seconds: float, problem: str, /) -> None:
        """It waits, to try again."""
        self._track.retrying(seconds, problem)


class _Unpacking:
    """A blob that is read while it comes; once it is here, the bar is about the reading."""

    def __init__(self, source: Verified, partial: Partial, track: Track) -> None:
        self._source = source
        self._partial = partial
        self._track = track
        self._switched = False

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        if not self._switched and self._partial.complete:
            self._switched = True
            self._track.phase("extracting", self._partial.size)
            self._track.found(self._source.position)
        data = self._source.read(size)
        self._track.add(len(data), "extracting")
        return data


class Arrivals:
    """Brings layers in, for one image.

    Args:
        lower: the directories of all layers, by position, of those that were there before and of
            those that come.
    """

    def __init__(
        self, remote: Remote, connections: Connections, growth: Growth, lower: Sequence[str]
    ) -> None:
        self._remote = remote
        self._connections = connections
        self._growth = growth
        self._lower = lower
        self._coming: list[_Coming] = []

    def expect(self, layer: Layer, partial: Partial, track: Track) -> None:
        """Adds a layer; base first."""
        self._coming.append(_Coming(layer, partial, track, self._remote))

    def run(self) -> list[tuple[Layer, Arrived, Partial]]:
        """Fetches and unpacks all of them; what they turned out to be, base first.

        Raises:
            ContentMismatch, HostileInput: a layer is not what it should be.
            DiskFull: there is no room.
            DockyardError: a layer can't be had. Parts of layers stay for the next try.
        """
        for each in self._coming:
            self._connections.add(each.download)
        workers = max(1, min(_MOST_AT_ONCE, os.cpu_count() or 1, len(self._coming)))
        pool = ThreadPoolExecutor(workers, thread_name_prefix="unpack")
        try:
            self._wait([pool.submit(self._unpack_early, each) for each in self._coming])
        finally:
            self._stop()
            pool.shutdown(cancel_futures=True)
        return [result for each in self._coming for result in self._finish(each)]

    def _finish(self, coming: _Coming) -> Iterator[tuple[Layer, Arrived, Partial]]:
        layer = coming.layer
        arrived = coming.arrived or self._unpack_late(coming, layer)
        yield layer, arrived, coming.partial
        for position, place in () if arrived.self_contained else layer.again:
            other = msgspec.structs.replace(layer, position=position, place=place)
            yield other, self._unpack_late(coming, other), coming.partial
        coming.track.phase("pulled")

    def _wait(self, futures: Sequence[Future[None]]) -> None:
        """Raises the first error, whichever layer it is of."""
        for each in all_of(futures):
            each.result()

    def _stop(self) -> None:
        """Whoever waits for bytes that won't come is woken."""
        if any(not each.partial.complete for each in self._coming):
            self._connections.stop()

    def _unpack_early(self, coming: _Coming) -> None:
        """Unpacks a layer as it comes, above nobody knows what; leaves for later what can't be."""

        def work() -> None:
            lowest = coming.layer.position == 0
            arrived = self._unpack(coming, coming.layer.place, NOTHING_BELOW if lowest else None)
            if arrived.self_contained or lowest:
                coming.arrived = arrived

        try:
            once_more(work, coming.download, self._connections)
        except NotFound as error:
            raise _explained(error, coming.layer.descriptor) from error

    def _unpack_late(self, coming: _Coming, layer: Layer) -> Arrived:
        """Unpacks a layer whose blob is here, above those below it."""
        lower = LowerView(tuple(self._lower[: layer.position]))
        return self._unpack(coming, layer.place, lower)

    def _unpack(self, coming: _Coming, place: str, lower: LowerView | None) -> Arrived:
        files.remove_tree(place)
        source = Verified(coming.partial, coming.layer.descriptor.digest)
        return unpack(
            _Unpacking(source, coming.partial, coming.track), coming.layer.diff_id,
            place, self._growth, lower=lower, abandon=coming.partial.abandon,
        )  # fmt: skip


def _explained(error: NotFound, descriptor: Descriptor) -> NotFound | NotSupported:
    if not is_restricted(descriptor):
        return error
    return NotSupported(
        "the registry lacks a layer that only its owner may give away:"
        f" {descriptor.digest}",
        hint="ask for an image without them: such layers (nondistributable, foreign) are not"
        " fetched from elsewhere",
        reference="foreign-layer",
    )  # fmt: skip
