"""KitOps' ModelKits: archives whose paths are those of the packed directory, and a Kitfile."""

from __future__ import annotations

from typing import cast, get_args

import msgspec

from dockyard.errors import NotSupported
from dockyard.models.documents import Config, Description, Filesystem, Manifest, Technical
from dockyard.models.model import Contents, Kind, Packing, Part
from dockyard.oci.image import Descriptor, decode_document

_PREFIX = "application/vnd.kitops.modelkit."
_KINDS: dict[str, Kind] = {
    "model": "weight",
    "modelpart": "weight",
    "dataset": "dataset",
    "code": "code",
    "docs": "doc",
    "prompt": "doc",
}


class _Info(msgspec.Struct, frozen=True, rename="camel"):
    """The layer of one thing of a Kitfile."""

    digest: str = ""
    diff_id: str = ""


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    layer_info: _Info = _Info()


class _Package(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""
    description: str = ""
    license: str = ""
    authors: tuple[str, ...] = ()


class _Model(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    version: str = ""
    license: str = ""
    framework: str = ""
    format: str = ""
    layer_info: _Info = _Info()
    parts: tuple[_Item, ...] = ()


class _Kitfile(msgspec.Struct, frozen=True):
    package: _Package = _Package()
    model: _Model = _Model()
    code: tuple[_Item, ...] = ()
    datasets: tuple[_Item, ...] = ()
    docs: tuple[_Item, ...] = ()


def read(manifest: Manifest, config_bytes: bytes) -> Contents:
    """See :func:`dockyard.models.readers.read`."""
    kit = decode_document(config_bytes, _Kitfile, "Kitfile")
    items = (*kit.model.parts, *kit.code, *kit.datasets, *kit.docs)
    infos = (kit.model.layer_info, *(item.layer_info for item in items))
    diff_ids = {info.digest: info.diff_id for info in infos if info.digest}
    parts = tuple(_part(layer, diff_ids.get(layer.digest, "")) for layer in manifest.layers)
    licenses = dict.fromkeys(filter(None, (kit.model.license, kit.package.license)))
    config = Config(
        descriptor=Description(
            name=kit.model.name or kit.package.name,
            version=kit.model.version or kit.package.version,
            description=kit.package.description,
            authors=kit.package.authors,
            licenses=tuple(licenses),
        ),
        config=Technical(format=kit.model.format or kit.model.framework),
        modelfs=Filesystem(diff_ids=tuple(part.diff_id for part in parts)),
    )
    return Contents(format="kitops", parts=parts, config=config)


def _part(layer: Descriptor, diff_id: str) -> Part:
    word, _, packing = layer.media_type.removeprefix(_PREFIX).partition(".v1.")
    archive = packing != "raw" and packing in get_args(Packing)
    if not layer.media_type.startswith(_PREFIX) or word not in _KINDS or not archive:
        raise NotSupported(
            f"the model has a layer of the unknown type {layer.media_type[:200]!r}",
            hint="it may be of a newer version of KitOps than Dockyard reads",
            reference="unknown-layer-type",
        )
    return Part(blob=layer, kind=_KINDS[word], packing=cast("Packing", packing), diff_id=diff_id)
