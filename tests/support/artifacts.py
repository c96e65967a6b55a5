"""Images and indexes that tests put into a registry themselves, small and of any platform."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

import msgspec
from tests.support.sending import send_blob

from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry.client import Client
from dockyard.registry.remote import Remote

SIGNATURE = "application/vnd.example.signature"


class Made(msgspec.Struct, frozen=True):
    """What a registry has: a document byte for byte, and the digests of all that belongs to it."""

    digest: str
    data: bytes
    blobs: tuple[str, ...]


def layer(text: str, size: int = 100_000) -> bytes:
    """A plain tar with one file of noise."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        noise = hashlib.shake_128(text.encode()).digest(size)
        member = tarfile.TarInfo("file")
        member.size = len(noise)
        tar.addfile(member, io.BytesIO(noise))
    return out.getvalue()


def put(remote: Remote, data: bytes, media_type: str) -> Descriptor:
    """A blob."""
    found = Descriptor(media_type=media_type, digest=digests.of(data), size=len(data))
    send_blob(remote, found, lambda offset: io.BytesIO(data[offset:]))
    return found


def put_image(
    client: Client, name: str, *, architecture: str = "amd64", size: int = 100_000, tag: bool = True
) -> Made:
    """An image of one layer that is compressed with gzip."""
    reference = Reference.parse(name)
    remote = client.remote(reference, push=True)
    plain = layer(architecture, size)
    config = json.dumps({
        "architecture": architecture, "os": "linux", "config": {"Labels": {"for": architecture}},
        "rootfs": {"type": "layers", "diff_ids": [digests.of(plain)]},
    }).encode()  # fmt: skip
    manifest = oci.Manifest(
        media_type=oci.MANIFEST,
        config=put(remote, config, oci.CONFIG),
        layers=(put(remote, gzip.compress(plain, 1, mtime=0), f"{oci.LAYER_TAR}+gzip"),),
    )
    data = json.dumps(msgspec.to_builtins(manifest), indent=3).encode()  # not as we write it
    digest = digests.of(data)
    remote.put_manifest(reference.tag or "" if tag else digest, oci.MANIFEST, data)
    return Made(digest, data, (manifest.config.digest, manifest.layers[0].digest))


def put_index(client: Client, name: str, architectures: tuple[str, ...]) -> tuple[Made, list[Made]]:
    """An index with an image for each architecture; and those images."""
    images = [put_image(client, name, architecture=each, tag=False) for each in architectures]
    document = {
        "schemaVersion": 2, "mediaType": oci.INDEX,
        "manifests": [
            {"mediaType": oci.MANIFEST, "digest": made.digest, "size": len(made.data),
             "platform": {"os": "linux", "architecture": each}}
            for made, each in zip(images, architectures, strict=True)
        ],
    }  # fmt: skip
    data = json.dumps(document, indent=2).encode()
    reference = Reference.parse(name)
    client.remote(reference, push=True).put_manifest(reference.tag or "", oci.INDEX, data)
    blobs = tuple(blob for made in images for blob in made.blobs)
    return Made(digests.of(data), data, blobs), images


def put_referrer(client: Client, name: str, subject: Made, text: str) -> Made:
    """An artifact that has something as its subject."""
    remote = client.remote(Reference.parse(name), push=True)
    document = {
        "schemaVersion": 2, "mediaType": oci.MANIFEST, "artifactType": SIGNATURE,
        "config": msgspec.to_builtins(put(remote, b"{}", "application/vnd.oci.empty.v1+json")),
        "layers": [msgspec.to_builtins(put(remote, text.encode(), "text/plain"))],
        "subject": {"mediaType": oci.MANIFEST, "digest": subject.digest,
                    "size": len(subject.data)},
    }  # fmt: skip
    data = json.dumps(document).encode()
    remote.put_manifest(digests.of(data), oci.MANIFEST, data)
    return Made(digests.of(data), data, (digests.of(text.encode()), digests.of(b"{}")))
