"""``copy`` from sources that mean no good, or say of an image what nobody honest says."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support import artifacts
from tests.support.registries import RunningRegistry, own_registry
from tests.support.roots import Root
from tests.support.servers import Web, web

from dockyard.config import Config
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference
from dockyard.registry.client import Client

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


@pytest.fixture
def served() -> Iterator[Web]:
    with web() as running:
        yield running


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with own_registry(tmp_path) as running:
        yield running


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    config = Config(root=f"{tmp_path}/root", run=f"{tmp_path}/run")
    with Client.from_config(config, env={"HOME": "/x"}) as made:
        yield made


def manifest(annotation: str = "") -> bytes:
    """One whose blobs nobody gets to ask for."""
    blob = {"mediaType": oci.CONFIG, "digest": digests.of(b"{}"), "size": 2}
    document = {"schemaVersion": 2, "mediaType": oci.MANIFEST, "config": blob, "layers": [],
                "annotations": {"a": annotation}}  # fmt: skip
    return json.dumps(document).encode()


class Endless:
    """A registry in which each manifest has others that refer to it, as many as one likes."""

    def __init__(self, each: int, size: int) -> None:
        self._each = each
        self._padding = "x" * size
        self._made: dict[str, bytes] = {}
        self._number = 0
        self.given = 0
        """Documents that were asked for."""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        _, kind, name = request.path.partition("?")[0].rsplit("/", 2)
        if kind == "referrers":
            self._send(request, oci.INDEX, self._list())
        elif kind == "manifests":
            self.given += 1
            self._send(request, oci.MANIFEST, self._made.get(name) or manifest("top"))
        else:
            self._send(request, "application/json", b"{}")

    def _list(self) -> bytes:
        found = []
        for _ in range(self._each):
            self._number += 1
            data = manifest(f"{self._number} {self._padding}")
            self._made[digests.of(data)] = data
            found.append({"mediaType": oci.MANIFEST, "digest": digests.of(data), "size": len(data)})
        document = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": found}
        return json.dumps(document).encode()

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, kind: str, data: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)


@pytest.mark.parametrize(("each", "size", "most"), [(40, 3_900_000, 20), (1200, 10, 1010)])
def test_what_refers_to_an_image_without_end_is_not_fetched_without_end(
    bare: Root, served: Web, each: int, size: int, most: int
) -> None:
    """All of it is in memory before any of it is copied."""
    endless = Endless(each, size)
    served.answers["/v2"] = endless.answer

    done = bare.cli("copy", "--referrers", f"{served.url.partition('://')[2]}/a:1",
                    f"oci:{bare.base}/layout:1")  # fmt: skip

    assert done.returncode == 1
    assert "refer to the image\n" in done.stderr
    assert endless.given <= most
    assert not (bare.base / "layout").exists()


def put(client: Client, name: str, layer_type: str, **more: Any) -> tuple[str, bytes]:
    """An image of one layer that is said to be of some type: the configuration's digest, and the
    layer unpacked."""
    remote = client.remote(Reference.parse(name), push=True)
    plain = artifacts.layer("any")
    config = json.dumps({
        "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digests.of(plain)]},
    }).encode()  # fmt: skip
    layer = artifacts.put(remote, gzip.compress(plain, 1, mtime=0), layer_type)
    document = {
        "schemaVersion": 2, "mediaType": oci.MANIFEST,
        "config": msgspec.to_builtins(artifacts.put(remote, config, oci.CONFIG)),
        "layers": [msgspec.to_builtins(layer) | more],
    }  # fmt: skip
    remote.put_manifest("1", oci.MANIFEST, json.dumps(document).encode())
    return digests.of(config), plain


def test_a_layer_that_says_it_is_a_configuration_is_a_layer(
    bare: Root, registry: RunningRegistry, client: Client
) -> None:
    """A configuration is small, and is read into memory; layers may have any size."""
    name = f"{registry.host}/a:1"
    config, plain = put(client, name, oci.CONFIG)
    file = f"{bare.base}/file"

    bare.cli("copy", name, f"docker-archive:{file}", check=True)

    with tarfile.open(file) as tar:
        (listing,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]  # a file
        assert listing["Config"].rpartition("/")[2] == config.removeprefix("sha256:")
        layer = tar.extractfile(listing["Layers"][0])
        assert layer is not None
        assert layer.read() == plain


def test_a_layer_that_only_its_owner_has_is_missing_in_no_archive_of_docker(
    bare: Root, registry: RunningRegistry, client: Client
) -> None:
    name = f"{registry.host}/a:1"
    put(client, name, FOREIGN, urls=["https://owner.example/layer"])

    done = bare.cli("copy", name, f"docker-archive:{bare.base}/file")
    assert done.returncode == 1
    assert "only its owner may give the layer sha256:" in done.stderr
    assert not (bare.base / "file").exists()
    bare.cli("copy", name, f"oci-archive:{bare.base}/file", check=True)
