"""What crun keeps for a moment lies in the root's own directory, and goes with the next command."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.roots import Root

YEARS_AGO = 1_000_000_000


def test_what_a_killed_runtime_leaves_is_ours_and_is_removed(root: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN true\n")
    before = {name for name in os.listdir("/tmp") if name.startswith("crun.")}
    root.cli("run", "-d", "--name", "box", "busybox", "sleep", "100", check=True)
    mapped = root.cli("exec", "box", "true", check=True)
    root.cli("build", str(tmp_path), check=True)
    assert mapped.stderr == ""

    left = Path(root.paths.run, "crun.killed")
    fresh = Path(root.paths.run, "crun.living")
    for path in (left, fresh):
        path.touch(0)
    os.utime(left, (YEARS_AGO, YEARS_AGO))
    root.cli("ps", check=True)
    assert (left.exists(), fresh.exists()) == (False, True)
    fresh.unlink()
    assert {name for name in os.listdir("/tmp") if name.startswith("crun.")} - before == set()


def test_the_runtime_is_told_where(root: Root) -> None:
    with root.engine() as engine:
        runtime = engine.parts.runtime()
        assert runtime.environment["_LIBCONTAINER_STATEDIR"] == root.paths.run
