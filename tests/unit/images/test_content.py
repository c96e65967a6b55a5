from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.errors import InvalidInput
from dockyard.images.content import ContentStore
from dockyard.oci import digest as digests
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths


@pytest.fixture
def content(paths: Paths) -> ContentStore:
    return ContentStore(paths, Database(paths.database))


def put(content: ContentStore, paths: Paths, data: bytes, *owners: str) -> str:
    digest = digests.of(data)
    for owner in owners:
        content.need([digest], owner)
    file = Path(paths.downloads) / "file"
    file.write_bytes(data)
    content.adopt(str(file), digest)
    return digest


def files(paths: Paths) -> list[str]:
    return sorted(os.listdir(paths.content))


def test_a_blob_is_found_under_its_digest(content: ContentStore, paths: Paths) -> None:
    digest = put(content, paths, b"abc", "layer:1")

    assert content.has(digest)
    assert content.size(digest) == 3
    assert Path(content.path(digest)).read_bytes() == b"abc"
    assert os.listdir(paths.downloads) == []


def test_what_is_not_there_has_no_size(content: ContentStore) -> None:
    assert content.size(digests.of(b"other")) is None


def test_a_blob_is_taken_in_twice(content: ContentStore, paths: Paths) -> None:
    digest = put(content, paths, b"abc", "layer:1")

    assert put(content, paths, b"abc", "layer:2") == digest
    assert os.listdir(paths.downloads) == []


@pytest.mark.parametrize("name", ["../state.db", "sha256:../../state.db", "sha256:" + "A" * 64])
def test_no_name_leads_out(content: ContentStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        content.path(name)


def test_a_blob_goes_with_the_last_who_needs_it(content: ContentStore, paths: Paths) -> None:
    digest = put(content, paths, b"abc", "layer:1", "model:2")

    assert content.release("layer:1") == 0
    assert content.has(digest)
    assert content.remove(digest) == 0
    assert content.release("model:2") == 3
    assert files(paths) == []


def test_bytes_that_have_another_name_are_not_freed(content: ContentStore, paths: Paths) -> None:
    digest = put(content, paths, b"abc", "layer:1")
    os.link(content.path(digest), f"{paths.root}/other")

    assert content.release("layer:1") == 0
    assert files(paths) == []


def test_a_blob_of_a_model_is_readable_by_containers(content: ContentStore, paths: Paths) -> None:
    digest = put(content, paths, b"abc", "layer:1")
    file = Path(paths.downloads) / "file"
    file.write_bytes(b"abc")

    content.adopt(str(file), digest, mode=0o444)

    assert os.stat(content.path(digest)).st_mode & 0o777 == 0o644


def test_what_dead_holders_needed_is_collected(content: ContentStore, paths: Paths) -> None:
    living, dead = put(content, paths, b"a", "w-1"), put(content, paths, b"bb", "w-2")
    unneeded = put(content, paths, b"ccc")
    Path(paths.content, "x.gone").write_bytes(b"dddd")

    with Lock.acquire(f"{paths.locks}/w-1.lock"):
        freed = content.collect()

    assert freed == 2 + 3 + 4
    assert content.has(living)
    assert not content.has(dead)
    assert not content.has(unneeded)
