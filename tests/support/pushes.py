"""Images that tests push, and a look at what a registry has of them."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.error
import urllib.request
from typing import Protocol

from tests.support.roots import Root

from dockyard.images.decompress import Unpacked


class Registry(Protocol):
    """One that runs."""

    @property
    def host(self) -> str: ...


def build(root: Root, name: str, text: str = "one", size: int = 3 << 20) -> str:
    """An image of two layers above busybox; its id."""
    with root.engine() as engine:
        root.own(engine.images.find("busybox"))
    context = root.base / "context"
    context.mkdir(exist_ok=True)
    (context / "text").write_text(text)
    (context / "noise").write_bytes(hashlib.shake_128(b"noise").digest(size))
    (context / "Dockerfile").write_text("FROM busybox:latest\nCOPY noise /noise\nCOPY text /text\n")
    return root.cli("build", "-q", "-t", name, str(context), check=True).stdout.strip()


def fetched(registry: Registry, path: str) -> bytes:
    request = urllib.request.Request(f"http://{registry.host}/v2/{path}")
    request.add_header("Accept", "application/vnd.oci.image.manifest.v1+json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        data: bytes = answer.read()
    return data


def pushed_layers(registry: Registry, repository: str, tag: str) -> list[str]:
    """The diff ids of what the registry has, unpacked here; blobs are what their digests say."""
    manifest = json.loads(fetched(registry, f"{repository}/manifests/{tag}"))
    found = []
    for layer in manifest["layers"]:
        data = fetched(registry, f"{repository}/blobs/{layer['digest']}")
        assert len(data) == layer["size"]
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == layer["digest"]
        found.append(f"sha256:{hashlib.sha256(_plain(data)).hexdigest()}")
    return found


def _plain(data: bytes) -> bytes:
    reader = Unpacked(io.BytesIO(data), max_bytes=1 << 30)
    return b"".join(iter(lambda: reader.read(1 << 20), b""))
