"""Taking in the layers of one image that are not here yet."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dockyard.errors import ContentMismatch
from dockyard.images.arrival import Arrived, chain_id
from dockyard.images.content import ContentStore
from dockyard.images.distribution import Form
from dockyard.images.growth import Growth
from dockyard.images.layers import LayerStore, Unpacked
from dockyard.images.model import KEEP_TIMES
from dockyard.images.model import Layer as KnownLayer
from dockyard.observability.transfers import Phase, Track, Transfers
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor
from dockyard.registry.arrivals import Arrivals, Layer
from dockyard.registry.download import fetching
from dockyard.registry.manifests import Found
from dockyard.registry.partial import Partial
from dockyard.registry.remote import Remote
from dockyard.state.paths import Paths, unusable
from dockyard.state.room import Room

_WAIT_SECONDS: Final = 0.2


class Taking:
    """One image on its way in.

    Args:
        holder: a name whose lock the caller holds; what is taken is leased to it.
        directory: an empty directory of the caller's, where layers are unpacked.
        abort: ends all connections at once; called where something fails.
    """

    def __init__(
        self, paths: Paths, layers: LayerStore, content: ContentStore, transfers: Transfers,
        holder: str, directory: str, abort: Callable[[], object],
    ) -> None:  # fmt: skip
        self._paths = paths
        self._layers = layers
        self._content = content
        self._transfers = transfers
        self._holder = holder
        self._directory = directory
        self._abort = abort
        self._partials: dict[str, Partial] = {}
        self._tracks: dict[str, Track] = {}

    def take(self, remote: Remote, found: Found) -> tuple[list[str], list[tuple[str, Form]]]:
        """Brings all layers in; their ids, base first, and what the registry has of each.

        Layers that are here, of whatever image, are not fetched; nor are blobs that are. Blobs
        that another process fetches are waited for.
        """
        _check(found)
        self._content.need({layer.digest for layer, _ in found.layers}, self._holder)
        known = self._known(found)
        missing: dict[str, Descriptor] = {}
        for position, (layer, _) in enumerate(found.layers):
            if position not in known:
                missing[layer.digest] = layer
            if layer.digest not in self._tracks:
                phase: Phase = "exists" if position in known else "waiting"
                self._tracks[layer.digest] = self._transfers.track(layer.digest, phase=phase)
        self._claim(missing.values())
        if missing:
            known = self._known(found)  # another process may have been at them
            self._bring(remote, found, known)
        return [known[position].id for position in range(len(found.layers))], [
            (known[position].id, Form(layer.digest, layer.media_type, layer.size))
            for position, (layer, _) in enumerate(found.layers)
            if self._content.has(layer.digest)
        ]

    def close(self) -> None:
        """Lets go of all blobs; what came of them stays for another try."""
        for each in self._partials.values():
            each.close()

    def _known(self, found: Found) -> dict[int, KnownLayer]:
        """By position the layers that are here, leased."""
        diff_ids = [diff_id for _, diff_id in found.layers]
        layers = (
            (position, self._layers.find(diff_id, chain_id(diff_ids[:position]), self._holder))
            for position, diff_id in enumerate(diff_ids)
        )
        return {position: layer for position, layer in layers if layer is not None}

    def _claim(self, blobs: Iterable[Descriptor]) -> None:
        """Keeps other processes from the blobs, in one order for all, so that none waits in a
        circle."""
        for blob in sorted(blobs, key=lambda each: each.digest):
            path = f"{self._paths.downloads}/{digests.hex_of(blob.digest)}"
            make = Partial.claim
            if self._content.size(blob.digest) == blob.size:
                make = functools.partial(Partial.from_file, source=self._content.path(blob.digest))
            while (claimed := make(path, blob.size)) is None:
                threading.Event().wait(_WAIT_SECONDS)
            self._partials[blob.digest] = claimed

    def _bring(self, remote: Remote, found: Found, known: dict[int, KnownLayer]) -> None:
        """Fetches, unpacks and takes in what is missing in ``known``, and adds it."""
        missing = self._missing(found, known)
        self._require_room(missing)
        lower = [
            self._layers.paths_of([known[at]])[0] if at in known else self._place(at)
            for at in range(len(found.layers))
        ]
        for digest in {layer.digest for layer, _ in found.layers} & self._partials.keys():
            if digest not in {each.descriptor.digest for each in missing}:
                self._tracks[digest].phase("exists")
        with fetching(self._abort) as connections:
            arrivals = Arrivals(remote, connections, Growth(self._directory), lower)
            for each in missing:
                digest = each.descriptor.digest
                arrivals.expect(each, self._partials[digest], self._tracks[digest])
            arrived = arrivals.run()
        diff_ids = [diff_id for _, diff_id in found.layers]
        unpacked = [self._unpacked(*each, diff_ids) for each in arrived]
        taken = self._layers.adopt_all(unpacked, holder=self._holder)
        for (layer, _, _), adopted in zip(arrived, taken, strict=True):
            known[layer.position] = adopted
            for position, _ in layer.again:
                known.setdefault(position, adopted)

    def _missing(self, found: Found, known: dict[int, KnownLayer]) -> list[Layer]:
        """One for each that has to come, base first."""
        places: dict[str, list[int]] = {}
        for position, (_, diff_id) in enumerate(found.layers):
            if position not in known:
                places.setdefault(diff_id, []).append(position)
        return [
            Layer(
                position=first, diff_id=diff_id, descriptor=found.layers[first][0],
                place=self._place(first), again=tuple((at, self._place(at)) for at in others),
            )
            for diff_id, (first, *others) in places.items()
        ]  # fmt: skip

    def _unpacked(
        self, layer: Layer, arrived: Arrived, partial: Partial, diff_ids: Sequence[str]
    ) -> Unpacked:
        """The layer, with the blob that it came as among the content and as its tar."""
        digest = layer.descriptor.digest
        if not partial.closed:
            whole = f"{layer.place}.whole"
            partial.finish(whole)
            self._content.adopt(whole, digest, synced=True, replace=not partial.resumed)
        blob = f"{layer.place}.blob"
        try:
            os.link(self._content.path(digest), blob)
        except OSError as error:
            raise unusable(blob, error) from error
        return Unpacked(
            directory=layer.place,
            diff_id=layer.diff_id,
            size=arrived.size,
            epoch=KEEP_TIMES,
            times="clamp",
            chain=None if arrived.self_contained else chain_id(diff_ids[: layer.position]),
            blob=blob,
        )

    def _require_room(self, missing: Sequence[Layer]) -> None:
        """Says at once what would be found out after an hour."""
        partials = [self._partials[each.descriptor.digest] for each in missing]
        Room(self._directory).require(
            sum(each.size - each.there for each in partials),
            "what is downloaded",
        )

    def _place(self, position: int) -> str:
        return f"{self._directory}/{position}"


def _check(found: Found) -> None:
    """Refuses a blob that is said to be two things."""
    said: dict[str, tuple[int, str]] = {}
    for layer, diff_id in found.layers:
        if said.setdefault(layer.digest, (layer.size, diff_id)) != (layer.size, diff_id):
            raise ContentMismatch(
                f"the image says two things of its layer {layer.digest}",
                reference="confused-document",
            )
