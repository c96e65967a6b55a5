"""What belongs to an image or an index, and what an index of a layout becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dockyard.errors import ContentMismatch, HostileInput, NotFound, NotSupported
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.oci.platform import Platform
from dockyard.registry.copying import plan
from dockyard.registry.copying.plan import Tree
from dockyard.registry.copying.targets import index_with
from dockyard.registry.model import Document
from dockyard.registry.referring import described, subject_of

HERE = Platform("amd64")


class Content:
    """Documents by their digests."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}

    def add(self, media_type: str, **fields: object) -> Document:
        data = json.dumps({"schemaVersion": 2, "mediaType": media_type, **fields}).encode()
        made = Document(media_type, digests.of(data), data)
        self.documents[made.digest] = made
        return made

    def image(self, name: str, **extra: object) -> Document:
        config = {"mediaType": oci.CONFIG, "digest": digests.of(name.encode()), "size": 1}
        layers = [{"mediaType": oci.LAYER_TAR, "digest": digests.of(b"shared"), "size": 6}]
        return self.add(oci.MANIFEST, config=config, layers=layers, **extra)

    def index(self, *entries: dict[str, Any]) -> Document:
        return self.add(oci.INDEX, manifests=entries)

    def gather(self, top: Document, platform: Platform | None = None) -> Tree:
        return plan.gather(lambda digest: self.documents[digest or top.digest], platform)


def named(document: Document, architecture: str = "", variant: str = "") -> dict[str, Any]:
    entry: dict[str, Any] = {
        "mediaType": document.media_type, "digest": document.digest, "size": len(document.data),
    }  # fmt: skip
    if architecture:
        entry["platform"] = {"os": "linux", "architecture": architecture, "variant": variant}
    return entry


@pytest.fixture
def content() -> Content:
    return Content()


def test_an_image_is_its_manifest_and_its_blobs(content: Content) -> None:
    image = content.image("a")

    tree = content.gather(image, HERE)
    assert tree.documents == (image,)
    assert [blob.digest for blob in tree.blobs] == [digests.of(b"a"), digests.of(b"shared")]


def test_all_of_an_index_comes_before_the_index_and_blobs_once(content: Content) -> None:
    first, second = content.image("a"), content.image("b")
    inner = content.index(named(second, "arm64"))
    index = content.index(named(first, "amd64"), named(inner), named(first, "amd64"))

    tree = content.gather(index)
    assert tree.documents == (first, second, inner, index)
    assert len(tree.blobs) == 3


def test_of_an_index_the_image_for_a_platform(content: Content) -> None:
    v6, v7, amd64 = (content.image(name) for name in ("v6", "v7", "amd64"))
    index = content.index(
        named(v6, "arm", "v6"), named(v7, "arm", "v7"), named(amd64, "amd64"),
        {**named(amd64), "platform": {"os": "unknown", "architecture": "unknown"}},
    )  # fmt: skip

    assert content.gather(index, HERE).documents == (amd64,)
    assert content.gather(index, Platform("arm", variant="v7")).documents == (v7,)
    assert content.gather(index, Platform("arm")).documents[0] in (v6, v7)
    with pytest.raises(NotFound, match=r"only for linux/arm/v6, linux/arm/v7, linux/amd64$"):
        content.gather(index, Platform("s390x"))


def test_layers_that_only_their_owner_may_give_away_stay_there(content: Content) -> None:
    kinds = (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        oci.LAYER_TAR,
    )
    layers = [{"mediaType": kind, "digest": digests.of(kind.encode()), "size": 1} for kind in kinds]
    config = {"mediaType": oci.CONFIG, "digest": digests.of(b"c"), "size": 1}
    image = content.add(oci.MANIFEST, config=config, layers=layers)

    assert [blob.media_type for blob in content.gather(image).blobs] == [oci.CONFIG, oci.LAYER_TAR]


def test_indexes_in_indexes_end_somewhere(content: Content) -> None:
    document = content.image("a")
    for _ in range(5):
        document = content.index(named(document))
    with pytest.raises(HostileInput, match="too deep"):
        content.gather(document)


def test_an_index_can_not_name_any_number(content: Content) -> None:
    index = content.index(*(named(content.image(str(number))) for number in range(1100)))
    with pytest.raises(HostileInput, match="too many"):
        content.gather(index)


@pytest.mark.parametrize("digest", ["../../etc/passwd", "sha512:" + "0" * 128, "sha256:x", ""])
def test_names_that_are_no_digests_are_refused(content: Content, digest: str) -> None:
    config = {"mediaType": oci.CONFIG, "digest": digest, "size": 1}
    with pytest.raises(NotSupported, match="content is named by"):
        content.gather(content.add(oci.MANIFEST, config=config, layers=[]))
    with pytest.raises(NotSupported, match="content is named by"):
        content.gather(content.index({"mediaType": oci.MANIFEST, "digest": digest, "size": 1}))


def test_what_is_neither_manifest_nor_index_is_refused(content: Content) -> None:
    with pytest.raises(NotSupported, match="is of the type"):
        content.gather(content.add("application/vnd.oci.artifact.manifest.v1+json"))


def test_the_index_of_a_layout_keeps_what_others_put_there() -> None:
    ref = "org.opencontainers.image.ref.name"
    before = json.dumps({"schemaVersion": 2, "manifests": [
        {"digest": "sha256:1", "annotations": {ref: "old", "x": "y"}, "urls": ["a"]},
        {"digest": "sha256:2", "annotations": {ref: "new"}},
        {"digest": "sha256:3"},
    ]}).encode()  # fmt: skip
    own = Descriptor(media_type="m", digest="sha256:3", size=1, annotations={ref: "new"})

    after = json.loads(index_with(before, "new", [own]))["manifests"]
    assert after == [
        {"digest": "sha256:1", "annotations": {ref: "old", "x": "y"}, "urls": ["a"]},
        {"mediaType": "m", "digest": "sha256:3", "size": 1, "annotations": {ref: "new"}},
    ]
    assert json.loads(index_with(None, "", [own]))["manifests"] == after[1:]
    with pytest.raises(ContentMismatch):
        index_with(b"[", "new", [own])


def test_what_refers_to_something_is_listed_by_its_type(content: Content) -> None:
    subject = content.image("a")
    typed = content.image("b", artifactType="kind", subject=named(subject), annotations={"k": "v"})
    untyped = content.image("c", subject=named(subject))

    assert subject_of(typed) == subject_of(untyped) == subject.digest
    assert subject_of(subject) == ""
    assert subject_of(Document("x", "y", b"[1]")) == ""
    assert (described(typed).artifact_type, described(typed).annotations) == ("kind", {"k": "v"})
    assert described(untyped).artifact_type == oci.CONFIG
