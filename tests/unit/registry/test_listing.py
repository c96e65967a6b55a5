"""Lists that come page by page."""

from __future__ import annotations

import json

import pytest

from dockyard.errors import ContentMismatch, NotFound, RegistryError
from dockyard.oci.image import Descriptor, Index, encode
from dockyard.registry import listing
from dockyard.registry.listing import Page

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("header", "following"),
    [
        ('</v2/a/tags/list?last=b>; rel="next"', "/v2/a/tags/list?last=b"),
        ("<b>; rel=next", "b"),
        ('<a>; rel="prev", <b>; title="x"; rel="next"', "b"),
        ('<a>; rel="prev"', ""),
        ("", ""),
        ("<" * 100_000, ""),
        ('<a; rel="next"', ""),
    ],
)
def test_the_next_page_is_where_the_header_says(header: str, following: str) -> None:
    assert listing.next_of(header) == following


def test_tags_of_all_pages() -> None:
    pages = {
        "t?n=1000": Page(b'{"name":"a","tags":["1","2"]}', "second"),
        "second": Page(b'{"tags":null}', "third"),
        "third": Page(b'{"tags":["3"]}', ""),
    }

    assert listing.tags(pages.get, "t") == ["1", "2", "3"]


def test_tags_of_a_repository_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        listing.tags(lambda _: None, "t")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"tags": 5}', b'{"tags": [5]}'])
def test_lists_that_make_no_sense(data: bytes) -> None:
    with pytest.raises(ContentMismatch, match="makes no sense"):
        listing.tags(lambda _: Page(data, ""), "t")


def test_pages_that_lead_on_for_ever() -> None:
    count = 0

    def ask(_: str) -> Page:
        nonlocal count
        count += 1
        return Page(json.dumps({"tags": ["x" * 1000] * 1000}).encode(), f"page {count}")

    with pytest.raises(RegistryError, match="too long"):
        listing.tags(ask, "t")

    assert count < 100


def test_referrers_are_filtered_where_the_registry_does_not() -> None:
    kinds = ("a/b", "c/d")
    index = Index(manifests=tuple(
        Descriptor(media_type="x/y", digest=DIGEST, size=1, artifact_type=kind) for kind in kinds
    ))  # fmt: skip
    asked: list[str] = []

    def ask(target: str) -> Page:
        asked.append(target)
        return Page(encode(index), "")

    found = listing.referrers(ask, "r", "a/b")

    assert found is not None
    assert [one.artifact_type for one in found.manifests] == ["a/b"]
    assert asked == ["r?artifactType=a%2Fb"]
    assert listing.referrers(lambda _: None, "r", "") is None
