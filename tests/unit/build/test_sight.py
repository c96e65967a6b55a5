from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dockyard.build.context import Tree
from dockyard.build.sight import Sight

NOW = 1_800_000_000_123_456_789


def status(changed: int) -> os.stat_result:
    """What a file's status says that was written at a time, in nanoseconds."""
    times = {"st_mtime_ns": 0, "st_ctime_ns": changed}
    return os.stat_result((0o100644, 7, 1, 1, 0, 0, 3, 0, 0, changed // 10**9), times)


def seen(base: Path) -> Sight:
    sight = Sight()
    with Tree(str(base)) as tree:
        watched = tree.watched(sight)
        watched.digest(watched.entry("."))
    return sight


def test_every_change_shows_and_no_other(tmp_path: Path) -> None:
    for name in ("a", "dir/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("a")
    before = seen(tmp_path)
    assert before.changed(seen(tmp_path)) is None

    old = (tmp_path / "dir/b").stat()
    (tmp_path / "dir/b").write_text("other bytes")
    os.utime(tmp_path / "dir/b", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert before.changed(before := seen(tmp_path)) == "dir/b"
    (tmp_path / "dir").chmod(0o700)
    assert before.changed(before := seen(tmp_path)) == "dir"
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("dir")
    assert before.changed(before := seen(tmp_path)) == "link"
    (tmp_path / "new").mkdir()
    assert before.changed(before := seen(tmp_path)) == "new"
    (tmp_path / "a").unlink()
    assert before.changed(seen(tmp_path)) == "a"


@pytest.mark.parametrize(
    ("age", "fresh"),
    [(1_000_000, True), (200_000_000, False), (1_123_456_789, True), (9_123_456_789, False)],
)
def test_a_file_of_this_moment_may_change_without_another_time(
    age: int, fresh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOW)
    sight = Sight()
    sight.note("file", status=status(NOW - age))
    assert (sight.fresh == "file") is fresh

    later = Sight()
    later.note("file", status=status(NOW - age + 1))
    assert sight.changed(later) == "file"
