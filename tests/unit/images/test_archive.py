"""Saved archives are OCI layouts that Docker reads too."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockyard.errors import ContentMismatch, DiskFull, NotFound, StateError
from dockyard.images import archive
from dockyard.images.layers import LayerStore
from dockyard.images.model import Image, Layer
from dockyard.images.store import ImageStore
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths


class Root:
    """Stores, and layers of one file each."""

    def __init__(self, directory: Path) -> None:
        self.paths = Paths(str(directory / "root"), str(directory / "run"))
        self.paths.prepare()
        self.database = Database(self.paths.database)
        self.layers = LayerStore(self.paths, self.database)
        self.images = ImageStore(self.paths, self.database, self.layers)
        self.lock = Lock.acquire(f"{self.paths.locks}/w-test.lock")

    def layer(self, content: str) -> Layer:
        source = f"{self.paths.workspaces}/{content}"
        os.mkdir(source, 0o755)
        Path(source, content).write_text(content * 700)
        return self.layers.seal(
            self.layers.publish(source, holder="w-test", epoch=86400, times="epoch")
        )

    def image(self, layers: list[Layer], *names: str) -> Image:
        config = oci.ImageConfig(
            architecture="amd64",
            author=" ".join(names),
            rootfs=oci.RootFilesystem(tuple(layer.diff_id for layer in layers)),
        )
        ids = [layer.id for layer in layers]
        references = map(Reference.parse, names)
        return self.images.add(oci.encode(config), ids, built=0, names=references)

    def save(self, *texts: str, layout: archive.Layout = "docker") -> bytes:
        stream = io.BytesIO()
        archive.save(self.images, texts, stream.write, layout=layout)
        return stream.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    root = Root(tmp_path)
    base = root.layer("base")
    root.image([base, root.layer("top")], "app:1", "app:2")
    root.image([base], "localhost/base:1")
    yield root
    root.database.close()


def contents(data: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            assert member.name not in found
            stream = tar.extractfile(member) if member.isfile() else None
            found[member.name] = stream.read() if stream else b""
    return found


def document(files: dict[str, bytes], name: str) -> Any:
    return json.loads(files[name])


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    data = files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert len(data) == descriptor["size"]
    return data


def test_every_blob_has_the_digest_that_names_it(root: Root) -> None:
    files = contents(root.save("app:1", "localhost/base:1"))
    blobs = {name: data for name, data in files.items() if name.startswith("blobs/sha256/")}
    assert len(blobs) == 2 + 2 + 2  # configurations, manifests, layers: the shared one once
    for name, data in blobs.items():
        assert name == "blobs/sha256/" + hashlib.sha256(data).hexdigest()


def test_the_layout_leads_from_the_index_to_configuration_and_layers(root: Root) -> None:
    image = root.images.find("app:1")
    files = contents(root.save("app:1"))
    assert document(files, "oci-layout") == {"imageLayoutVersion": "1.0.0"}
    (entry,) = document(files, "index.json")["manifests"]
    assert entry["annotations"] == {
        "io.containerd.image.name": "docker.io/library/app:1",
        "org.opencontainers.image.ref.name": "1",
    }
    assert entry["platform"] == {"architecture": "amd64", "os": "linux"}
    manifest = json.loads(blob(files, entry))
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert blob(files, manifest["config"]) == image.config_bytes
    assert [layer["digest"] for layer in manifest["layers"]] == [
        layer.diff_id for layer in image.layers
    ]
    with tarfile.open(fileobj=io.BytesIO(blob(files, manifest["layers"][1]))) as tar:
        assert tar.getnames() == ["top"]


def test_docker_finds_its_manifest_in_the_same_archive(root: Root) -> None:
    image = root.images.find("app:1")
    files = contents(root.save("app:1", "localhost/base:1"))
    first, second = document(files, "manifest.json")
    assert first["RepoTags"] == ["app:1"]
    assert files[first["Config"]] == image.config_bytes
    assert [hashlib.sha256(files[path]).hexdigest() for path in first["Layers"]] == [
        layer.diff_id.removeprefix("sha256:") for layer in image.layers
    ]
    assert second["RepoTags"] == ["localhost/base:1"]


def test_the_oci_form_is_the_layout_alone(root: Root) -> None:
    docker = contents(root.save("app:1"))
    layout = contents(root.save("app:1", layout="oci"))
    assert docker.pop("manifest.json")
    assert layout == docker


def test_saving_again_gives_the_same_bytes(root: Root) -> None:
    assert root.save("app:1") == root.save("app:1")


def test_a_repository_means_all_its_tags(root: Root) -> None:
    files = contents(root.save("app"))
    (entry,) = document(files, "manifest.json")
    assert entry["RepoTags"] == ["app:1", "app:2"]
    names = [
        one["annotations"]["io.containerd.image.name"]
        for one in document(files, "index.json")["manifests"]
    ]
    assert names == ["docker.io/library/app:1", "docker.io/library/app:2"]


def test_an_image_saved_by_id_has_no_name(root: Root) -> None:
    image = root.images.find("app:1")
    files = contents(root.save(image.id))
    assert document(files, "manifest.json")[0]["RepoTags"] is None
    assert "annotations" not in document(files, "index.json")["manifests"][0]


def test_nothing_is_written_for_a_missing_image(root: Root, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        archive.save_to(str(tmp_path / "x.tar"), root.images, ["app:1", "nothing"])
    assert not list(tmp_path.glob("x.tar*"))


def test_a_layer_that_was_changed_on_disk_is_never_passed_on(root: Root, tmp_path: Path) -> None:
    directory = root.images.directories(root.images.find("app:1"))[1]
    Path(directory, "top").write_text("pot" * 700)
    with pytest.raises(ContentMismatch, match="changed on disk"):
        archive.save_to(str(tmp_path / "x.tar"), root.images, ["app:1"])
    assert not list(tmp_path.glob("x.tar*"))


def test_a_file_is_replaced_as_a_whole_and_private(root: Root, tmp_path: Path) -> None:
    target = tmp_path / "x.tar"
    target.write_bytes(b"old")
    target.chmod(0o644)
    archive.save_to(str(target), root.images, ["app:1"])
    assert target.read_bytes() == root.save("app:1")
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_fifo_is_written_to(root: Root, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    archive.save_to(str(fifo), root.images, ["app:1"])
    reader.join()
    assert got == [root.save("app:1")]


def test_a_full_disk_is_said_and_leaves_nothing(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        archive.save_to(str(tmp_path / "x.tar"), root.images, ["app:1"])
    assert not list(tmp_path.glob("x.tar*"))


def test_a_missing_directory_is_said(root: Root, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot write"):
        archive.save_to(str(tmp_path / "no" / "x.tar"), root.images, ["app:1"])


def test_images_stay_while_they_are_saved(root: Root) -> None:
    removed: list[bool] = []

    def write(_part: bytes | memoryview) -> None:
        if not removed:
            removed.append(True)
            root.images.remove("localhost/base:1")
            root.images.remove("app:1")
            root.images.remove("app:2")

    archive.save(root.images, ["app:1"], write)
    assert root.images.list() == ()
