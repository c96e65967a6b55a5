"""Uploads that clients leave open."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.shelf import HOUR, Shelf

from dockyard.registry.server import blobs


def test_who_leaves_uploads_open_keeps_nobody_else_from_pushing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "MOST_OF_ONE", 3)
    monkeypatch.setattr(blobs, "MOST_UPLOADS", 5)

    mine = [shelf.blobs.start("a", "greedy") for _ in range(4)]

    assert [one is not None for one in mine] == [True, True, True, False]
    assert shelf.blobs.start("a", "other") is not None
    assert mine[0] is not None
    shelf.blobs.cancel(mine[0].id)
    assert shelf.blobs.start("a", "greedy") is not None
    assert shelf.blobs.start("a", "other") is not None
    assert shelf.blobs.start("a", "third") is None, "there are limits for all together"


def test_uploads_without_bytes_go_after_an_hour(shelf: Shelf) -> None:
    empty, begun = shelf.blobs.start("a", "x"), shelf.blobs.start("a", "x")
    assert empty is not None
    assert begun is not None
    Path(shelf.content.upload(begun.id)).write_bytes(b"something")

    assert shelf.collect(after=HOUR - 10).uploads == 0
    assert shelf.collect(after=HOUR + 10).uploads == 1

    assert shelf.blobs.upload(empty.id) is None
    assert shelf.blobs.upload(begun.id) == begun


def test_what_may_be_being_sent_stays_whatever_grace_is_named(shelf: Shelf) -> None:
    upload = shelf.blobs.start("a", "x")
    assert upload is not None

    assert shelf.collect(after=30, grace=0).uploads == 0
    assert shelf.collect(after=90, grace=0).uploads == 1
