"""What a manifest says that it is."""

from __future__ import annotations

import json

import pytest

from dockyard.errors import ContentMismatch
from dockyard.oci import digest as digests
from dockyard.oci.image import INDEX, MANIFEST
from dockyard.registry import documents
from dockyard.registry.model import Document


def read(content: dict[str, object], content_type: str = "", **named: str) -> Document:
    data = json.dumps(content).encode()
    return documents.document(
        data, content_type, wanted=named.get("wanted", ""), announced=named.get("announced", ""),
        name="it",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "content_type", "media_type"),
    [
        ({"mediaType": MANIFEST}, MANIFEST, MANIFEST),
        ({"mediaType": MANIFEST}, f"{MANIFEST}; charset=utf-8", MANIFEST),
        ({"mediaType": MANIFEST}, "", MANIFEST),
        ({"mediaType": MANIFEST}, "application/json", MANIFEST),
        ({}, MANIFEST, MANIFEST),
        ({"manifests": []}, "", INDEX),
        ({"layers": []}, "application/octet-stream", MANIFEST),
        ({"mediaType": None}, INDEX, INDEX),
    ],
)
def test_its_type_is_what_both_say(
    content: dict[str, object], content_type: str, media_type: str
) -> None:
    assert read(content, content_type).media_type == media_type


def test_two_types_are_one_too_many() -> None:
    with pytest.raises(ContentMismatch, match="and the registry that it is"):
        read({"mediaType": MANIFEST}, INDEX)


@pytest.mark.parametrize("kind", ["a", "a/b\r\nX: y", "a/b/c", "a/" + "b" * 500, "\u00e9/b"])
def test_a_type_that_makes_no_sense(kind: str) -> None:
    with pytest.raises(ContentMismatch, match="makes no sense"):
        read({"mediaType": kind})


def test_its_digest_is_what_was_asked_for_and_announced() -> None:
    own, other = digests.of(b"{}"), digests.of(b"[]")

    assert read({}, wanted=own, announced=own).digest == own
    assert read({}, wanted="latest").digest == own
    assert read({}, announced="sha512:whatever").digest == own
    for named in ({"wanted": other}, {"announced": other}):
        with pytest.raises(ContentMismatch, match="another digest"):
            read({}, **named)
