"""``push``: an image to a registry, its layers at once, as little as possible of each.

A layer that was pulled goes as it came. Of others the digest is known from the last time that they
were compressed in the same way, so what a registry has is neither compressed nor sent again. Only
what is missing is compressed, into a file that goes when it is sent or when its process dies,
beside the sending of others. The manifest goes last, so that nobody sees half an image.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from dockyard.images.distribution import Distribution, Form
from dockyard.images.model import Image, Layer
from dockyard.observability.transfers import UNHEARD, Listener, Track, Transfers
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.registry.compress import Compression
from dockyard.registry.crew import Crew
from dockyard.registry.ledger import Ledger
from dockyard.registry.model import Document
from dockyard.registry.remote import Remote
from dockyard.registry.spool import Made, Workshop
from dockyard.registry.upload import Delivery, OpenAt, present, sources, transmit

COURIERS: Final = 6
"""Blobs that are asked for or sent at once."""
PRODUCERS: Final = 2
"""Layers that are compressed at once, by the same threads: small ones don't wait for each other."""
SPOOLED: Final = 4
"""Compressed layers that wait on disk to be sent, at most."""


class Blob(msgspec.Struct, frozen=True):
    """A layer's blob as it was pulled."""

    descriptor: Descriptor
    open_at: OpenAt


class Source(msgspec.Struct, frozen=True):
    """An image to push, whose layers the caller holds.

    - ``directories`` and ``blobs``: of its layers, in their order;
    - ``kept``: blobs of layers as they were pulled, by their diff ids;
    - ``original``: its manifest, where it was pulled, and ``promised`` the blobs that this names,
      by diff ids too: those that aren't kept may still be in the registry.
    """

    image: Image
    directories: Sequence[str]
    blobs: Sequence[str]
    kept: Mapping[str, Blob] = {}
    promised: Mapping[str, Descriptor] = {}
    original: Document | None = None


class Push:
    """One image on its way into one repository.

    Args:
        crew: has ``couriers`` and ``producers``; see :func:`crew_for`.
    """

    def __init__(
        self, remote: Remote, source: Source, *, workshop: Workshop, compression: Compression,
        known: Distribution, ledger: Ledger, crew: Crew, listener: Listener | None = None,
    ) -> None:  # fmt: skip
        self._remote = remote
        self._source = source
        self._workshop = workshop
        self._compression = compression
        self._known = known
        self._ledger = ledger
        self._crew = crew
        self._transfers = Transfers(listener)
        self._tracks: dict[str, Track] = {}
        self._blobs: dict[str, Descriptor] = {}

    def run(self) -> Document:
        """Sends what the registry lacks but the manifest; returns that.

        Raises:
            ContentMismatch: a layer on disk is not what it was.
            DiskFull: there is no room for a compressed layer.
            RegistryError: the registry refuses it, or fails again and again.
        """
        layers = {layer.diff_id: n for n, layer in enumerate(self._source.image.layers)}
        for diff_id in layers:
            self._tracks[diff_id] = self._transfers.track(diff_id, phase="preparing")
        for number in layers.values():
            self._crew.start("couriers", self._look, number)
        self._crew.start("couriers", self._send_config)
        self._crew.join()
        return self._manifest()

    def _look(self, number: int) -> None:
        """Sees whether the registry has a layer; has it made or sent where it doesn't."""
        layer = self._source.image.layers[number]
        kept = self._source.kept.get(layer.diff_id)
        expected = self._expected(layer) if kept is None else kept.descriptor
        promised = self._source.promised.get(layer.diff_id) if kept is None else None
        for blob in filter(None, (promised, expected)):
            found = self._present(blob)
            if found is not None:
                self._arrived(layer, blob, found)
                return
        if kept is not None:
            self._transmit(layer, kept.descriptor, kept.open_at)
        else:
            self._crew.start("producers", self._make, number, expected)

    def _expected(self, layer: Layer) -> Descriptor | None:
        """What it is, compressed in the way that is asked for; it may not be known yet."""
        media_type = self._compression.media_type
        if self._compression.kind == "none":
            return Descriptor(media_type=media_type, digest=layer.diff_id, size=layer.size)
        form = self._known.form_by(layer.id, self._compression.recipe)
        if form is None:
            return None
        return Descriptor(media_type=media_type, digest=form.digest, size=form.size)

    def _make(self, number: int, missing: Descriptor | None) -> None:
        """Compresses a layer. ``missing`` is what it should become, and the registry lacks."""
        layer = self._source.image.layers[number]
        made = self._workshop.make(
            layer,
            self._source.directories[number],
            self._source.blobs[number],
            self._tracks[layer.diff_id],
        )
        blob = made.descriptor
        recipe = self._compression.recipe
        self._known.add_form(layer.id, Form(blob.digest, blob.media_type, blob.size, recipe))
        self._crew.start("couriers", self._deliver, layer, made, blob == missing)

    def _deliver(self, layer: Layer, made: Made, is_missing: bool) -> None:
        try:
            found = None if is_missing else self._present(made.descriptor)
            if found is None:
                self._transmit(layer, made.descriptor, made.open_at)
            else:
                self._arrived(layer, made.descriptor, found)
        finally:
            self._workshop.discard(made)

    def _present(self, blob: Descriptor) -> Delivery | None:
        places = self._known.places(blob.digest)
        others = sources(places, self._remote.reference)
        return present(self._remote, blob, others, self._ledger)

    def _transmit(self, layer: Layer, blob: Descriptor, open_at: OpenAt) -> None:
        track = self._tracks[layer.diff_id]
        track.phase("uploading", blob.size)
        transmit(self._remote, blob, open_at, counter=track, ledger=self._ledger)
        self._arrived(layer, blob, Delivery("pushed"))

    def _arrived(self, layer: Layer, blob: Descriptor, how: Delivery) -> None:
        self._blobs[layer.diff_id] = blob
        note = "" if how.source is None else f"from {how.source.path}"
        self._tracks[layer.diff_id].phase(how.how, note=note)

    def _send_config(self) -> None:
        blob, data = self._config(), self._source.image.config_bytes
        if self._present(blob) is None:
            transmit(self._remote, blob, lambda offset: io.BytesIO(data[offset:]), counter=UNHEARD)

    def _config(self) -> Descriptor:
        image = self._source.image
        return Descriptor(media_type=oci.CONFIG, digest=image.id, size=len(image.config_bytes))

    def _manifest(self) -> Document:
        """The one that came with the image where all its layers go as they came, else a new one."""
        layers = tuple(self._blobs[layer.diff_id] for layer in self._source.image.layers)
        original = self._source.original
        if original is not None:
            theirs = oci.decode_manifest(original.data)
            if [one.digest for one in theirs.layers] == [one.digest for one in layers]:
                return original
        document = oci.Manifest(
            media_type=oci.MANIFEST, config=self._config(), layers=tuple(map(_plain, layers))
        )
        data = oci.encode(document)
        return Document(oci.MANIFEST, digests.of(data), data)


def _plain(blob: Descriptor) -> Descriptor:
    """A layer's descriptor in a manifest of OCI's, whatever the manifest was that it came from."""
    return Descriptor(
        media_type=oci.layer_type(blob.media_type), digest=blob.digest, size=blob.size
    )
