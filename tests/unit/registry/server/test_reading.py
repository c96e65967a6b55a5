"""What a registry reads of its clients: paths, names, ranges, documents."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.registry.server import documents, names, ranges
from dockyard.registry.server.problems import Refused
from dockyard.registry.server.ranges import BeyondEnd, Span
from dockyard.registry.server.web.call import Place, read_path, scope_of

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v2", Place("base")),
        ("/v2/", Place("base")),
        ("/v2/_catalog", Place("catalog")),
        ("/v2/a/tags/list", Place("tags", "a")),
        ("/v2/a/b/c/manifests/1.0", Place("manifest", "a/b/c", "1.0")),
        (f"/v2/a/blobs/{DIGEST}", Place("blob", "a", DIGEST)),
        ("/v2/a/blobs/sha256%3Aabc", Place("blob", "a", "sha256:abc")),
        ("/v2/a/blobs/uploads", Place("uploads", "a")),
        ("/v2/a/blobs/uploads/", Place("uploads", "a")),
        ("/v2/a/blobs/uploads/x", Place("upload", "a", "x")),
        ("/v2/blobs/uploads/blobs/uploads/x", Place("upload", "blobs/uploads", "x")),
        ("/v2/manifests/manifests/manifests", Place("manifest", "manifests", "manifests")),
        ("/v2/tags/list/tags/list", Place("tags", "tags/list")),
        (f"/v2/a/referrers/{DIGEST}", Place("referrers", "a", DIGEST)),
    ],
)
def test_a_path_names_one_thing(path: str, place: Place) -> None:
    assert read_path(path) == place


@pytest.mark.parametrize(
    "path",
    ["/v2/a", "/v2/a/b", "/v2//manifests/x", "/v2/../manifests/x", "/v2/a%2fb/manifests/x",
     "/v2/a/manifests/x/y", "/v2/a/manifests/", "/v2/A/tags/list", "/v2/a/manifests/%2e%2e",
     "/v2/a\n/tags/list", "/v2/a/tags/list/", "/v2/_catalog/", "/v2x",
     "/v2a/manifests/x", "/v2a/b/tags/list", "/v2_catalog", "/a/tags/list", "/v3/a/tags/list", ""],
)  # fmt: skip
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(Refused) as error:
        read_path(path)
    assert error.value.status in {400, 404}


@given(st.text(max_size=60))
def test_whatever_the_path_no_name_leaves_its_place(text: str) -> None:
    try:
        place = read_path(f"/v2/{text}")
    except Refused:
        return
    assert not place.name or names.is_name(place.name)
    assert ".." not in place.name.split("/")
    assert "/" not in place.item


@pytest.mark.parametrize(
    ("place", "method", "scope"),
    [
        (Place("manifest", "a/b", "1"), "GET", "repository:a/b:pull"),
        (Place("manifest", "a/b", "1"), "PUT", "repository:a/b:pull,push"),
        (Place("manifest", "a/b", "1"), "DELETE", "repository:a/b:delete"),
        (Place("upload", "a/b", "1"), "DELETE", "repository:a/b:pull,push"),
        (Place("catalog"), "GET", "registry:catalog:*"),
        (Place("base"), "GET", ""),
    ],
)
def test_a_token_would_be_for(place: Place, method: str, scope: str) -> None:
    assert scope_of(place, method) == scope


@pytest.mark.parametrize("text", ["latest", "v1.0", "_x", "A-b.c_d", "x" * 128])
def test_tags(text: str) -> None:
    assert names.is_tag(text)


@pytest.mark.parametrize("text", ["", ".x", "-x", "x" * 129, "a/b", "a:b", "ä", "a b", "a\n"])
def test_what_is_no_tag(text: str) -> None:
    assert not names.is_tag(text)


@pytest.mark.parametrize(
    ("header", "size", "found"),
    [
        (None, 10, None), ("", 10, None), ("bytes=0-", 10, Span(0, 10)),
        ("bytes=0-0", 10, Span(0, 1)), ("bytes=3-5", 10, Span(3, 3)),
        ("bytes=3-99", 10, Span(3, 7)),
        ("bytes=-3", 10, Span(7, 3)), ("bytes=-99", 10, Span(0, 10)), ("bytes=9-", 10, Span(9, 1)),
        ("bytes=5-3", 10, None), ("bytes=1-2,4-5", 10, None), ("lines=1-2", 10, None),
        ("bytes=-", 10, None), ("bytes=" + "9" * 50 + "-", 10, None),
    ],
)  # fmt: skip
def test_ranges_that_are_asked_for(header: str | None, size: int, found: Span | None) -> None:
    try:
        assert ranges.asked(header, size) == found
    except BeyondEnd:
        assert found is None
        assert header is not None
        assert "9" * 50 in header


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0),
                                              ("bytes=-5", 0), ("bytes=10-20", 10)])  # fmt: skip
def test_ranges_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(BeyondEnd):
        ranges.asked(header, size)


@given(st.text("bytes=-0123456789, ", max_size=30), st.integers(0, 1000))
def test_a_range_lies_within_the_content(header: str, size: int) -> None:
    try:
        found = ranges.asked(header, size)
    except BeyondEnd:
        return
    if found is not None:
        assert 0 <= found.start < size
        assert 0 < found.length <= size - found.start


@pytest.mark.parametrize(
    ("header", "found"),
    [("0-9", Span(0, 10)), ("bytes 5-9/100", Span(5, 5)), ("bytes=5-9", Span(5, 5)),
     ("5-9/*", Span(5, 5)), ("0--1", None), ("x", None), ("9-5", None), ("", None)],
)  # fmt: skip
def test_chunks_say_where_they_belong(header: str, found: Span | None) -> None:
    assert ranges.sent(header) == found


def document(**fields: object) -> bytes:
    config = {"mediaType": "application/x.config", "digest": DIGEST, "size": 2}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": [], **fields}).encode()


def test_what_a_manifest_needs() -> None:
    foreign = {"digest": "sha256:" + "c" * 64, "size": 1, "urls": ["https://example.com/x"]}
    layers = [{"digest": OTHER, "size": 1}, {"digest": OTHER, "size": 1}, foreign]

    found = documents.parse(document(layers=layers), MANIFEST, DIGEST)

    assert found.blobs == (DIGEST, OTHER)
    assert (found.children, found.subject, found.referrer) == ((), "", b"")


def test_what_a_referrer_is_listed_as() -> None:
    data = document(subject={"digest": OTHER, "size": 1}, annotations={"a": "b"})

    found = documents.parse(data, MANIFEST, DIGEST)

    assert found.subject == OTHER
    assert json.loads(found.referrer) == {
        "mediaType": MANIFEST, "digest": DIGEST, "size": len(data),
        "artifactType": "application/x.config", "annotations": {"a": "b"},
    }  # fmt: skip


def test_a_document_without_a_type_is_what_it_looks_like() -> None:
    assert documents.parse(document(), "", DIGEST).media_type == MANIFEST
    assert documents.parse(b'{"schemaVersion":2,"manifests":[]}', "", DIGEST).media_type == INDEX


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (document(), INDEX),
        (document(manifests=[]), MANIFEST),
        (document(mediaType=INDEX), MANIFEST),
        (document(), "text/html"),
        (document(layers=[{"digest": "sha256:x", "size": 1}]), MANIFEST),
        (document(layers=[{"digest": OTHER, "size": -1}]), MANIFEST),
        (document(schemaVersion=1), MANIFEST),
        (b'{"schemaVersion":2,"layers":[]}', MANIFEST),
        (document(layers=[{"digest": OTHER, "size": 1, "data": "!!"}]), MANIFEST),
    ],
)
def test_documents_that_are_refused(data: bytes, kind: str) -> None:
    with pytest.raises(Refused) as error:
        documents.parse(data, kind, DIGEST)
    assert error.value.status == 400


@given(st.binary(max_size=200))
def test_no_document_is_anything_but_read_or_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        documents.parse(data, MANIFEST, DIGEST)
