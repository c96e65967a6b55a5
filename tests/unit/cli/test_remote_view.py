from __future__ import annotations

from tests.support import archives

from dockyard.cli.remote_view import remote_document
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor, Manifest
from dockyard.oci.reference import Reference
from dockyard.registry.manifests import Found
from dockyard.registry.model import Document

CONFIG = archives.config([b"tar", b"other"], architecture="arm64")


def found(*layers: tuple[str, int]) -> Found:
    config = Descriptor(media_type=oci.CONFIG, digest=digests.of(CONFIG), size=len(CONFIG))
    entries = tuple(
        Descriptor(media_type=oci.LAYER_TAR, digest=digest, size=size) for digest, size in layers
    )
    parsed = oci.decode_config(CONFIG)
    return Found(
        documents=(Document(oci.INDEX, "sha256:i", b"index"), Document(oci.MANIFEST, "m", b"{}")),
        manifest=Manifest(config=config, layers=entries), config=parsed, config_bytes=CONFIG,
        layers=tuple(zip(entries, parsed.rootfs.diff_ids, strict=True)),
    )  # fmt: skip


def test_sizes_are_those_of_what_is_sent() -> None:
    document = remote_document(Reference.parse("app:1"), found(("a", 5), ("b", 7)))

    assert document["Size"] == 12
    assert [layer["Size"] for layer in document["Layers"]] == [5, 7]
    assert document["RepoTags"] == ["app:1"]
    assert document["RepoDigests"] == ["app@sha256:i"]
    assert document["Manifest"]["Digest"] == "m"
    assert document["Architecture"] == "arm64"


def test_a_layer_that_is_there_twice_is_sent_once() -> None:
    assert remote_document(Reference.parse("app"), found(("a", 5), ("a", 5)))["Size"] == 5


def test_an_image_asked_for_by_digest_has_no_tag() -> None:
    reference = Reference.parse(f"app:1@{digests.of(b'')}")

    assert remote_document(reference, found(("a", 5), ("b", 7)))["RepoTags"] == []
