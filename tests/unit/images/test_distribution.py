from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.images import distribution
from dockyard.images.content import ContentStore
from dockyard.images.distribution import Distribution, Form, Kept, Provenance
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.state.database import Database
from dockyard.state.paths import Paths

REPOSITORY = "example.com/a"
BLOB = digests.of(b"blob")


class _Root:
    """A root with the records of an image and a layer."""

    def __init__(self, base: Path) -> None:
        self.paths = Paths(str(base / "root"), str(base / "run"))
        self.paths.prepare()
        self.database = Database(self.paths.database)
        self.content = ContentStore(self.paths, self.database)
        self.store = Distribution(self.database, self.content)
        self.database.execute("INSERT INTO layers (id, state, diff_id) VALUES ('l', 'ready', 'd')")
        self.database.execute("INSERT INTO images VALUES ('i', x'00', 0, 0)")

    def record(self, provenance: Provenance) -> None:
        with self.database.transaction() as connection:
            distribution.record(connection, "i", provenance)

    def keep(self, data: bytes) -> None:
        self.content.need([digests.of(data)], "layer:l")
        file = Path(self.paths.downloads, "f")
        file.write_bytes(data)
        self.content.adopt(str(file), digests.of(data))


@pytest.fixture
def root(tmp_path: Path) -> _Root:
    return _Root(tmp_path)


def manifest(*blobs: bytes) -> Kept:
    config = oci.Descriptor(media_type=oci.CONFIG, digest=digests.of(b"{}"), size=2)
    layers = tuple(
        oci.Descriptor(media_type=oci.LAYER_TAR, digest=digests.of(blob), size=len(blob))
        for blob in blobs
    )
    data = oci.encode(oci.Manifest(media_type=oci.MANIFEST, config=config, layers=layers))
    return Kept(digests.of(data), oci.MANIFEST, data)


def test_forms_of_a_layer_are_told_apart_by_their_compressor(root: _Root) -> None:
    ours = Form(digests.of(b"x"), "t", 1, "zstd 1 level 3")
    root.store.add_form("l", ours)
    root.store.add_form("l", Form(BLOB, "t", 4))
    root.store.add_form("no-such-layer", ours)

    assert root.store.form_by("l", "zstd 1 level 3") == ours
    assert root.store.form_by("l", "gzip") is None
    assert len(root.store.forms("l")) == 2
    assert root.store.kept_forms("l") == ()
    root.keep(b"blob")
    assert root.store.kept_forms("l") == (Form(BLOB, "t", 4),)


def test_a_manifest_was_pulled_that_has_a_layer_kept_and_better_all(root: _Root) -> None:
    partial, complete = manifest(b"blob", b"gone"), manifest(b"blob", b"other")
    root.store.add_document("i", manifest(b"made", b"here"))
    root.store.add_document("i", complete)
    root.store.add_document("i", partial)

    assert root.store.pulled_manifest("i") is None
    root.keep(b"blob")
    assert root.store.pulled_manifest("i") == partial
    root.keep(b"other")
    assert root.store.pulled_manifest("i") == complete


def test_an_index_is_no_manifest_of_the_image(root: _Root) -> None:
    index = Kept(digests.of(b"index"), oci.INDEX, b"index")
    root.store.add_document("i", index)

    assert root.store.documents("i") == (index,)
    assert root.store.manifests("i") == ()


def test_what_came_is_recorded_and_goes_with_its_image_and_its_layer(root: _Root) -> None:
    document = manifest(b"blob")
    root.record(Provenance(
        repository=REPOSITORY, documents=(document,), digests=(document.digest,),
        forms=(("l", Form(BLOB, "t", 4)),), blobs=(BLOB,),
    ))  # fmt: skip
    root.keep(b"blob")

    assert root.store.manifests("i") == (document,)
    assert root.store.places(BLOB) == (REPOSITORY,)
    assert root.database.query("SELECT * FROM repository_digests") == [
        (REPOSITORY, document.digest, "i")
    ]
    root.database.execute("DELETE FROM images")
    root.database.execute("DELETE FROM layers")
    for table in ("manifests", "repository_digests", "layer_forms"):
        assert root.database.query(f"SELECT * FROM {table}") == []


def test_few_places_of_a_blob_are_remembered(root: _Root) -> None:
    for number in range(30):
        root.store.add_places([BLOB], f"example.com/{number:02}")

    assert len(root.store.places(BLOB)) == 16
    assert "example.com/29" in root.store.places(BLOB)
