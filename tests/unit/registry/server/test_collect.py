"""What is garbage, and what a race between a push and its collection comes to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.support.shelf import HOUR, LATER, Shelf

from dockyard.registry.access.audit import Event
from dockyard.registry.server.collect import Collected, Collector
from dockyard.registry.server.manifests import Incomplete
from dockyard.registry.server.rules import Collecting, Retention, Rules
from dockyard.registry.server.scrub import scrub


def test_what_a_tag_leads_to_stays(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    child = shelf.manifest("a", "child", layer)
    inner = shelf.index("a", "inner", child)
    shelf.index("a", "outer", inner)
    signature = shelf.manifest("a", "signature", subject=child)
    again = shelf.manifest("a", "again", subject=signature)
    for tag in ("child", "inner", "signature", "again"):
        shelf.manifests.untag("a", tag)

    assert shelf.collect() == Collected()

    shelf.manifests.untag("a", "outer")
    found = shelf.collect()
    assert len(found.manifests) == 5
    assert f"a@{again}" in found.manifests
    assert shelf.files() == 0
    assert shelf.manifests.tags("a", 10) is None, "the repository has gone as well"


def test_nothing_goes_before_its_time(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    shelf.manifest("a", "x", layer)
    shelf.blob("a", b"alone")
    shelf.manifests.untag("a", "x")

    assert shelf.collect(after=HOUR - 10) == Collected()
    assert len(shelf.collect(after=HOUR + 10).blobs) == 1
    assert len(shelf.collect(after=7 * 24 * HOUR + 10).manifests) == 1


def test_what_a_removed_manifest_kept_has_its_time_from_then_on(shelf: Shelf) -> None:
    child = shelf.manifest("a", "child", shelf.blob("a", b"layer"))
    index = shelf.index("a", "index", child)
    signature = shelf.manifest("a", "signature", subject=index)
    alone = shelf.manifest("b", "x", shelf.blob("b", b"alone"))
    for tag in ("child", "signature"):
        shelf.manifests.untag("a", tag)
    for table in ("manifests", "links"):
        shelf.database.execute(f"UPDATE {table} SET touched = 0")

    assert shelf.manifests.remove("a", index)
    assert shelf.manifests.remove("b", alone)

    assert shelf.collect(after=HOUR - 10) == Collected()
    assert len(shelf.collect(after=HOUR + 10).blobs) == 1, "those of the child are needed"
    found = shelf.collect(after=7 * 24 * HOUR + 10)
    assert set(found.manifests) == {f"a@{child}", f"a@{signature}"}


def test_a_dry_run_tells_the_same_and_changes_nothing(shelf: Shelf) -> None:
    for name in ("a", "b"):
        shelf.manifest(name, "x", shelf.blob(name, b"layer"))
        shelf.manifests.untag(name, "x")

    planned = shelf.collect(dry_run=True)

    assert shelf.files() == 2
    assert shelf.collect() == planned
    assert planned.bytes == len(b"layer{}")


def test_a_blob_that_another_repository_has_stays(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    assert shelf.blobs.mount("b", layer, "a")
    shelf.manifest("b", "x", layer)

    shelf.collect()

    assert shelf.blobs.find("a", layer) is None
    assert shelf.blobs.find("b", layer) is not None


def test_who_finds_a_blob_to_push_on_it_keeps_it(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    shelf.database.execute("UPDATE links SET touched = touched - 7000")

    assert shelf.blobs.find("a", layer, keep_after=600)

    assert shelf.collect(after=HOUR - 100).blobs == []
    shelf.manifest("a", "x", layer)


@pytest.mark.parametrize("grace", [10, 300, HOUR])
def test_who_finds_a_blob_has_most_of_any_grace_period_left(shelf: Shelf, grace: int) -> None:
    layer = shelf.blob("a", b"layer")
    rules = Rules(collecting=Collecting(grace=grace))
    shelf.database.execute("UPDATE links SET touched = touched - ?", (grace // 2,))

    assert shelf.blobs.find("a", layer, keep_after=rules.collecting.noted_after)

    assert shelf.collect(after=grace * 2 // 3, grace=grace).blobs == []
    shelf.manifest("a", "x", layer)


def test_who_only_pulls_keeps_nothing(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    shelf.database.execute("UPDATE links SET touched = touched - 7000")

    assert shelf.blobs.find("a", layer)

    assert shelf.collect(after=0).blobs == [layer]


def test_a_manifest_whose_blob_was_collected_is_refused_whole(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    shelf.collect()

    with pytest.raises(Incomplete):
        shelf.manifest("a", "x", layer)
    assert shelf.manifests.find("a", "x") is None


def test_content_that_comes_again_while_it_goes_stays(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    collector = Collector(shelf.database, shelf.content, Rules(),
                          clock=lambda: time.time() + LATER)  # fmt: skip
    removing = collector._drop_blob

    def pushed_meanwhile(digest: str) -> bool:
        shelf.blob("a", b"layer")
        return removing(digest)

    collector._drop_blob = pushed_meanwhile  # type: ignore[method-assign]

    assert collector.run().blobs == []
    assert shelf.blobs.find("a", layer) is not None
    assert shelf.content.has_digest(layer)


@pytest.mark.parametrize("where", ["place", "after"])
def test_a_kill_between_file_and_record_loses_and_leaks_nothing(
    shelf: Shelf, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = shelf.blobs.start("a", "x")
    assert upload is not None
    Path(shelf.content.upload(upload.id)).write_bytes(b"layer")
    digest = "sha256:5b1f3bd7e3ac4cc9ea2e7f6f4ddd7b8ba9bb7cdcd0bdcb8e8c9f4cc5fd1a5b5e"
    place = shelf.content.place

    def killed(*args: object) -> None:
        if where == "after":
            place(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(shelf.content, "place", killed)
    with pytest.raises(KeyboardInterrupt):
        shelf.blobs.finish(upload, digest, 5)
    monkeypatch.undo()

    assert shelf.blobs.find("a", digest) is None
    assert shelf.content.received(upload.id) == 5, "the upload goes on"
    assert shelf.blobs.upload(upload.id) == upload
    found = shelf.collect()
    assert found.uploads == 1
    assert shelf.files() == 0


def test_damaged_content_is_found_and_taken_out(shelf: Shelf) -> None:
    good, bad = shelf.blob("a", b"good"), shelf.blob("a", b"bad!")
    path = Path(shelf.content.path(bad))
    path.write_bytes(b"bad?")

    assert scrub(shelf.database, shelf.content, shelf.blobs, repair=False).damaged == [bad]
    found = scrub(shelf.database, shelf.content, shelf.blobs)

    assert (found.blobs, found.bytes, found.damaged) == (2, 8, [bad])
    assert shelf.blobs.find("a", bad) is None
    assert shelf.blobs.find("a", good) is not None
    shelf.blob("a", b"bad!")
    assert scrub(shelf.database, shelf.content, shelf.blobs).damaged == []


def test_who_misses_damaged_content_is_named(shelf: Shelf) -> None:
    layer = shelf.blob("team/app", b"layer")
    for name in ("other/app", "alone/app"):
        assert shelf.blobs.mount(name, layer, "team/app")
    shelf.index("team/app", "all", shelf.manifest("team/app", "1", layer))
    shelf.manifest("other/app", "v2", layer)
    shelf.manifest("other/app", "small")
    shelf.manifest("alone/app", "x", layer)
    shelf.manifests.untag("alone/app", "x")
    Path(shelf.content.path(layer)).write_bytes(b"lay r")

    looked = scrub(shelf.database, shelf.content, shelf.blobs, repair=False)
    found = scrub(shelf.database, shelf.content, shelf.blobs)
    assert looked.damaged == found.damaged == [layer]
    assert looked.affected == found.affected
    assert found.affected[layer] == ("alone/app", "other/app:v2", "team/app:1", "team/app:all")

    later = scrub(shelf.database, shelf.content, shelf.blobs)
    assert (later.damaged, later.missing) == ([], [layer]), "it is told until it is back"
    assert later.affected == found.affected


def test_one_push_gives_damaged_content_back_to_all_that_had_it(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    for name in ("b", "c"):
        assert shelf.blobs.mount(name, layer, "a")
        shelf.manifest(name, "1", layer)
    assert shelf.blobs.unlink("a", layer)
    Path(shelf.content.path(layer)).write_bytes(b"lay r")
    scrub(shelf.database, shelf.content, shelf.blobs)
    assert not any(shelf.blobs.find(name, layer) for name in "bc")

    shelf.blob("elsewhere", b"layer")

    assert shelf.blobs.find("b", layer)
    assert shelf.blobs.find("c", layer)
    assert shelf.blobs.find("a", layer) is None, "it had been removed there"
    assert scrub(shelf.database, shelf.content, shelf.blobs).missing == []
    assert shelf.collect().blobs == []


def test_what_nothing_needs_is_not_missed(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    Path(shelf.content.path(layer)).write_bytes(b"lay r")
    scrub(shelf.database, shelf.content, shelf.blobs)

    assert scrub(shelf.database, shelf.content, shelf.blobs).missing == []
    shelf.collect()
    shelf.blob("b", b"layer")
    assert shelf.blobs.find("a", layer) is None


def test_what_is_pushed_again_while_it_is_read_is_not_lost(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    Path(shelf.content.path(layer)).write_bytes(b"lay r")
    reading = shelf.content.has_digest

    def pushed_meanwhile(digest: str) -> bool:
        good = reading(digest)
        shelf.blob("b", b"layer")
        return good

    shelf.content.has_digest = pushed_meanwhile  # type: ignore[method-assign]

    assert scrub(shelf.database, shelf.content, shelf.blobs).damaged == []
    assert shelf.blobs.find("a", layer)
    assert reading(layer)


def test_what_is_collected_is_written_down(shelf: Shelf) -> None:
    layer = shelf.blob("a", b"layer")
    for tag in ("old", "new"):
        shelf.manifest("a", tag, layer, subject=shelf.digest(tag.encode()))
    gone = shelf.manifest("a", "gone")
    shelf.manifests.untag("a", "gone")
    alone = shelf.blob("b", b"alone")
    rules = Rules(retention=(Retention("a", "*", 1, None),))
    events: list[Event] = []

    def collect(dry_run: bool) -> None:
        Collector(shelf.database, shelf.content, rules, dry_run=dry_run, note=events.append,
                  clock=lambda: time.time() + LATER).run()  # fmt: skip

    collect(dry_run=True)
    assert events == []
    collect(dry_run=False)

    said = [(one.who, one.action, one.repository, one.reference, one.digest) for one in events]
    assert [one[:4] for one in said if one[0] == "retention"] == [
        ("retention", "delete", "a", "old"),
    ]  # fmt: skip
    assert ("gc", "delete", "a", "", gone) in said
    assert ("gc", "delete", "", "", alone) in said


def test_what_the_end_of_the_host_cut_is_taken_out(shelf: Shelf) -> None:
    cut, whole = shelf.blob("a", b"cut off"), shelf.blob("a", b"whole")
    Path(shelf.content.path(cut)).write_bytes(b"")
    shelf.database.execute("UPDATE blobs SET boot = 'another'")

    assert shelf.blobs.recover() == [cut]

    assert shelf.blobs.find("a", cut) is None
    assert shelf.blobs.find("a", whole) is not None
    assert shelf.blobs.not_synced([whole]) == []
