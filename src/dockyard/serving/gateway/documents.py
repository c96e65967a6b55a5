"""What all of Envoy's documents are put together from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from dockyard import decoding

Json = dict[str, object]

_TYPES = "type.googleapis.com"
_VERSION = 16
"""Digits of a version: enough to tell documents apart."""


def typed(kind: str, **fields: object) -> Json:
    """A message of Envoy's whose type isn't known from where it stands."""
    return {"@type": f"{_TYPES}/{kind}", **fields}


def extension(name: str, kind: str, **fields: object) -> Json:
    """An extension of Envoy's, such as a filter, with its configuration."""
    return {"name": name, "typed_config": typed(kind, **fields)}


def seconds(value: float) -> str:
    """A duration as protobuf's JSON writes it."""
    return f"{value:.3f}s"


def document(kind: str, resources: Iterable[Json]) -> bytes:
    """A discovery response for a file: resources of one kind, with a digest as their version."""
    listed: list[Json] = [{"@type": f"{_TYPES}/{kind}", **one} for one in resources]
    content = msgspec.json.encode(listed)
    version = hashlib.sha256(content).hexdigest()[:_VERSION]
    return b'{"version_info":"%s","resources":%s}\n' % (version.encode(), content)


class Document(msgspec.Struct, frozen=True):
    """A document that was read back."""

    version_info: str
    resources: tuple[dict[str, object], ...]


def parse(content: bytes) -> Document:
    """Reads what :func:`document` wrote; one without resources for anything else."""
    try:
        return decoding.from_json(content, Document)
    except msgspec.DecodeError:
        return Document("", ())
