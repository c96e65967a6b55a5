"""Files under their digests: what was verified takes the place of what only lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.shelf import Shelf

DATA = b"what it should be"


@pytest.mark.parametrize("found", [DATA.upper(), DATA[:5], b""])
def test_a_push_heals_what_is_damaged(shelf: Shelf, found: bytes) -> None:
    digest = shelf.blob("a", DATA)
    path = Path(shelf.content.path(digest))
    path.write_bytes(found)

    shelf.blob("a", DATA)

    assert path.read_bytes() == DATA
    assert list(shelf.content.uploads()) == []


def test_a_stray_file_is_not_taken_for_what_was_sent(shelf: Shelf) -> None:
    digest = shelf.digest(DATA)
    Path(shelf.content.path(digest)).write_bytes(DATA.upper())

    shelf.blob("a", DATA)

    assert shelf.content.has_digest(digest)


def test_what_takes_the_place_of_a_file_is_on_disk_before(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = shelf.blob("a", DATA)
    order: list[str] = []
    monkeypatch.setattr("os.fsync", lambda _: order.append("sync"))
    monkeypatch.setattr("os.rename", lambda *_: order.append("rename"))

    shelf.blob("a", DATA)

    assert order[-1] == "rename"
    assert "sync" in order
    assert shelf.content.has_digest(digest)


def test_a_place_that_an_upload_has_already_is_no_reason_to_leave_names(shelf: Shelf) -> None:
    digest = shelf.digest(DATA)
    upload = shelf.blobs.start("a", "x")
    assert upload is not None
    Path(shelf.content.upload(upload.id)).write_bytes(DATA)

    for _ in range(2):  # the second time after a kill
        shelf.content.place(upload.id, digest)

    assert [name for name, _ in shelf.content.uploads()] == [upload.id]
    assert shelf.content.has_digest(digest)
