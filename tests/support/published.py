"""Images put into a registry by hand: right ones, and ones that no honest program makes."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import zstandard
from tests.support import archives, registries

from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference
from dockyard.registry.remote import Remote

Pack = Callable[[bytes], bytes]
PACKS: dict[str, tuple[str, Pack]] = {
    "plain": ("", bytes),
    "gzip": ("+gzip", lambda data: gzip.compress(data, 1, mtime=0)),
    "zstd": ("+zstd", lambda data: zstandard.ZstdCompressor(level=1).compress(data)),
}
DOCKER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Publisher:
    """Writes to one repository; every method returns the digest of what it stored."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def blob(self, data: bytes) -> str:
        """Any content."""
        location = self._remote.start_upload()
        if data:
            location = self._remote.patch(location, io.BytesIO(data), 0, len(data))
        self._remote.finish_upload(location, digests.of(data))
        return digests.of(data)

    def layer(self, data: bytes, kind: str = "gzip") -> dict[str, Any]:
        """A layer's descriptor."""
        ending, pack = PACKS[kind]
        packed = pack(data)
        return {
            "mediaType": f"{oci.LAYER_TAR}{ending}", "digest": self.blob(packed),
            "size": len(packed),
        }  # fmt: skip

    def image(
        self, tag: str, layers: Sequence[bytes], *, kinds: Sequence[str] = (),
        manifest: Mapping[str, Any] | None = None, **changes: Any,
    ) -> str:  # fmt: skip
        """An image of tars; ``changes`` are those of its configuration."""
        config = archives.config(layers, **changes)
        chosen = kinds or ["gzip"] * len(layers)
        document = {
            "schemaVersion": 2, "mediaType": oci.MANIFEST,
            "config": {"mediaType": oci.CONFIG, "digest": self.blob(config), "size": len(config)},
            "layers": [self.layer(*pair) for pair in zip(layers, chosen, strict=True)],
        }  # fmt: skip
        return self.put(tag, {**document, **(manifest or {})})

    def put(self, tag: str, document: dict[str, Any]) -> str:
        """A manifest or an index; under its digest alone where the tag is empty."""
        data = json.dumps(document).encode()
        reference = tag or digests.of(data)
        return self._remote.put_manifest(reference, document["mediaType"], data)

    def size(self, digest: str) -> int:
        """Of a manifest that was stored."""
        return len(self._remote.manifest(digest).data)

    def index(self, tag: str, *entries: tuple[str, str], **annotations: str) -> str:
        """An index of manifests: pairs of a digest and a platform."""
        names = ("os", "architecture", "variant")
        return self.put(tag, {
            "schemaVersion": 2, "mediaType": oci.INDEX,
            "manifests": [
                {
                    "mediaType": self._remote.manifest(digest).media_type, "digest": digest,
                    "size": self.size(digest), "annotations": annotations,
                    "platform": dict(zip(names, platform.split("/"), strict=False)),
                }
                for digest, platform in entries
            ],
        })  # fmt: skip


@contextlib.contextmanager
def publisher(directory: Path, repository: str) -> Iterator[Publisher]:
    """One for a repository, such as ``localhost:5000/a``."""
    with registries.client(directory) as client:
        yield Publisher(client.remote(Reference.parse(f"{repository}:x"), push=True))
