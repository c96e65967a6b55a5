from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.containers import cgroup_parent
from dockyard.state.paths import Paths
from dockyard.system import cgroups


@pytest.fixture
def layout(tmp_path: Path) -> cgroups.CgroupLayout:
    """A hierarchy of plain directories."""
    top = str(tmp_path / "cgroup")
    return cgroups.CgroupLayout(
        mode="v1", unified_mount=None, mounts={"pids": top}, controllers=frozenset({"pids"}),
        systemd=False,
    )  # fmt: skip


def test_the_last_one_takes_the_parent_along(paths: Paths, layout: cgroups.CgroupLayout) -> None:
    group = Path(layout.mounts["pids"], "dockyard-x/one")
    group.mkdir(parents=True)
    cgroup_parent.remove(paths, layout, "/dockyard-x/one")
    assert not group.parent.exists()


def test_the_parent_stays_while_another_is_being_made(
    paths: Paths, layout: cgroups.CgroupLayout
) -> None:
    group = Path(layout.mounts["pids"], "dockyard-x/one")
    group.mkdir(parents=True)
    with cgroup_parent.kept(paths), cgroup_parent.kept(paths):
        cgroup_parent.remove(paths, layout, "/dockyard-x/one")
    assert not group.exists()
    assert group.parent.exists()
