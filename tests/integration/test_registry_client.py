"""Talking to a registry: to one that others wrote, Debian's ``docker-registry``, and to ours."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.registries import (
    DockerRegistry,
    RunningRegistry,
    docker_registry,
    own_registry,
)

from dockyard.config import Config
from dockyard.errors import NotFound, StateError
from dockyard.oci import digest as digests
from dockyard.oci.image import CONFIG, LAYER_TAR, MANIFEST
from dockyard.oci.reference import Reference
from dockyard.registry.client import Client
from dockyard.registry.remote import Remote

CONTENT = os.urandom(3 << 20)
DIGEST = digests.of(CONTENT)
IMAGE_CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'


Registry = DockerRegistry | RunningRegistry


@pytest.fixture(scope="module", params=["docker", "own"])
def registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    directory = tmp_path_factory.mktemp("registry")
    run = docker_registry if request.param == "docker" else own_registry
    with run(directory) as running:
        yield running


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Client.from_config(config(tmp_path), warn=pytest.fail, env={"HOME": "/x"}) as made:
        yield made


def config(directory: Path, settings: str = "") -> Config:
    path = directory / "registries.toml"
    path.write_text(settings)
    return Config(root=f"{directory}/root", run=f"{directory}/run", registries=str(path))


@pytest.fixture
def remote(client: Client, registry: Registry, request: pytest.FixtureRequest) -> Remote:
    name = request.node.originalname.replace("_", "-")
    return client.remote(Reference.parse(f"{registry.host}/{name}:1"), push=True)


def send(remote: Remote, content: bytes) -> str:
    location = remote.start_upload()
    location = remote.patch(location, io.BytesIO(content), 0, len(content))
    digest = digests.of(content)
    remote.finish_upload(location, digest)
    return digest


def received(remote: Remote, digest: str, offset: int = 0, length: int | None = None) -> bytes:
    with remote.read_blob(digest, offset=offset, length=length) as stream:
        return b"".join(iter(lambda: stream.read(1 << 20), b""))


def manifest(remote: Remote) -> bytes:
    layer, image_config = send(remote, CONTENT), send(remote, IMAGE_CONFIG)
    return json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": image_config, "size": len(IMAGE_CONFIG)},
        "layers": [{"mediaType": LAYER_TAR, "digest": layer, "size": len(CONTENT)}],
    }).encode()  # fmt: skip


def test_a_blob_comes_back_as_it_was_sent(remote: Remote) -> None:
    assert not remote.has_blob(DIGEST)

    send(remote, CONTENT)

    assert remote.has_blob(DIGEST)
    assert received(remote, DIGEST) == CONTENT


def test_a_part_of_a_blob_can_be_had(remote: Remote) -> None:
    send(remote, CONTENT)

    assert received(remote, DIGEST, 1000, 5000) == CONTENT[1000:6000]
    assert received(remote, DIGEST, len(CONTENT) - 10) == CONTENT[-10:]


def test_a_blob_is_sent_in_parts(remote: Remote) -> None:
    location = remote.start_upload()
    assert remote.upload_offset(location) == 0

    location = remote.patch(location, io.BytesIO(CONTENT), 0, 1 << 20)
    assert remote.upload_offset(location) == 1 << 20

    blocks = (CONTENT[start : start + 1000] for start in range(1 << 20, len(CONTENT), 1000))
    location = remote.patch(location, blocks, 1 << 20, 2 << 20)
    remote.finish_upload(location, DIGEST)

    assert received(remote, DIGEST) == CONTENT


def test_an_upload_that_broke_goes_on_where_the_registry_is(
    remote: Remote, registry: Registry
) -> None:
    """Docker's registry forgets one that broke within a part."""

    def breaking() -> Iterator[bytes]:
        yield CONTENT[1 << 20 : 2 << 20]
        raise OSError("the disk is gone")

    location = remote.patch(remote.start_upload(), io.BytesIO(CONTENT), 0, 1 << 20)
    with pytest.raises(StateError, match="the disk is gone"):
        remote.patch(location, breaking(), 1 << 20, 2 << 20)
    offset = settled(lambda: remote.upload_offset(location))

    if isinstance(registry, DockerRegistry):
        assert offset is None
        return
    assert offset is not None
    assert offset >= 1 << 20
    rest = io.BytesIO(CONTENT[offset:])
    location = remote.patch(location, rest, offset, len(CONTENT) - offset)
    remote.finish_upload(location, DIGEST)
    assert received(remote, DIGEST) == CONTENT


def settled(ask: Callable[[], int | None]) -> int | None:
    """What is said twice in a row: the registry sees later than we that a connection is gone."""
    found = ask()
    for _ in range(50):
        time.sleep(0.1)
        last, found = found, ask()
        if found == last:
            break
    return found


def test_an_upload_that_was_canceled_is_forgotten(remote: Remote) -> None:
    location = remote.start_upload()
    remote.cancel_upload(location)

    assert remote.upload_offset(location) is None


def test_a_blob_of_another_repository_is_mounted(
    client: Client, registry: Registry, remote: Remote
) -> None:
    send(remote, CONTENT)
    other = client.remote(Reference.parse(f"{registry.host}/mounted"), push=True)

    assert other.mount_blob(DIGEST, remote.reference)
    assert other.has_blob(DIGEST)
    assert not other.mount_blob(digests.of(b"nowhere"), remote.reference)


def test_a_manifest_comes_back_byte_for_byte(remote: Remote) -> None:
    data = manifest(remote)

    digest = remote.put_manifest("1", MANIFEST, data)

    assert digest == digests.of(data)
    for reference in (None, "1", digest):
        found = remote.manifest(reference)
        assert (found.data, found.digest, found.media_type) == (data, digest, MANIFEST)
    head = remote.head()
    assert head is not None
    assert (head.digest, head.size, head.media_type) == (digest, len(data), MANIFEST)


def test_what_is_not_there_is_said_so(remote: Remote) -> None:
    assert remote.head() is None
    assert not remote.has_blob(DIGEST)
    with pytest.raises(NotFound, match="no such tag"):
        remote.manifest()
    with pytest.raises(NotFound):
        received(remote, DIGEST)
    with pytest.raises(NotFound):
        remote.tags()


def test_tags_are_listed_and_manifests_removed(remote: Remote) -> None:
    data = manifest(remote)
    digest = remote.put_manifest("b", MANIFEST, data)
    remote.put_manifest("a", MANIFEST, data)
    assert sorted(remote.tags()) == ["a", "b"]
    assert remote.referrers(digest).manifests == ()

    remote.delete(digest)

    assert remote.head("a") is None
