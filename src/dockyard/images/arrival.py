"""Unpacking a layer while it still comes: read, decompressed, hashed and written side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from dockyard.errors import ContentMismatch, DockyardError
from dockyard.images.ahead import Ahead
from dockyard.images.decompress import Readable
from dockyard.images.growth import Growth
from dockyard.images.streams import Hashed, drain
from dockyard.images.untar import DEFAULT_LIMITS, extract_layer
from dockyard.images.view import LowerView
from dockyard.images.workplace import make_root
from dockyard.oci import digest as digests
from dockyard.state.paths import unusable


class Arrived(msgspec.Struct, frozen=True):
    """A layer that was unpacked. ``size`` is that of its tar in bytes.

    ``self_contained`` is false for one that means something only above certain others.
    """

    size: int
    self_contained: bool


def unpack(
    blob: Readable, diff_id: str, place: str, growth: Growth, *,
    lower: LowerView | None, abandon: Callable[[], object],
) -> Arrived:  # fmt: skip
    """Unpacks a layer into a new directory.

    Args:
        blob: its bytes as they come, read to their end; whoever gives them checks their digest.
        lower: the layers below; ``None`` where they aren't known yet.
        abandon: called where something fails; a read of ``blob`` that waits has to end then.

    Raises:
        ContentMismatch: it is damaged, or not the layer of that digest.
        HostileInput: it tries to get out of its directory, is too large, or grows too far.
        DiskFull: there is no room.
    """
    try:
        make_root(place)
        with Ahead(blob, abandon) as raw:
            grown = growth.unpacked(raw, max_bytes=DEFAULT_LIMITS.bytes)
            plain = Hashed(grown)
            with Ahead(plain, abandon) as source:
                extracted = extract_layer(source, place, growth, lower=lower)
                drain(source)
            drain(raw)
    except OSError as error:
        raise unusable(place, error) from error
    except DockyardError as error:
        error.context = f"layer {digests.short(diff_id)}: {error.context or 'its content'}"
        raise
    if plain.digest != diff_id:
        raise ContentMismatch(
            f"a layer is not what its image says: its digest unpacked is {plain.digest},"
            f" not {diff_id}", reference="digest-mismatch",
            hint="the image was put together wrongly, or changed since: build and push it again",
        )  # fmt: skip
    return Arrived(plain.size, extracted.self_contained)


def chain_id(diff_ids: Iterable[str]) -> str:
    """The chain ID of layers (OCI image specification, "Layer ChainID"); empty for none."""
    chain = ""
    for diff_id in diff_ids:
        chain = digests.of(f"{chain} {diff_id}".encode()) if chain else diff_id
    return chain
